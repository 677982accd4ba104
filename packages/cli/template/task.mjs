// @ts-check
/**
 * What is trained: a small network that says in which of three rings a point lies. Replace its three parts by yours: where
 * samples come from, the model, and how it is trained. Everything else is done for you: batches, workers, the update,
 * checkpoints, evaluations.
 */
import { createHash } from 'node:crypto';
import { defineTask, linear, own, tf, weights, zeros } from 'facet-train';

const CLASSES = ['inner', 'middle', 'outer'];
const SAMPLES = { train: 3_000, test: 600 };
const WIDTH = 32;

/**
 * A point of the square from (-1, -1) to (1, 1), evenly spread (the R2 sequence of M. Roberts, 2018), and its ring. Every
 * worker must see the same samples, so they depend on their ids alone.
 *
 * @param {'train' | 'test'} split
 * @param {number} id from 0
 */
function point(split, id) {
  const n = split === 'train' ? id : SAMPLES.train + id;
  const x = 2 * ((n * 0.7548776662466927) % 1) - 1;
  const y = 2 * ((n * 0.5698402909980532) % 1) - 1;
  const square = x * x + y * y;
  return { x, y, ring: square < 0.3 ? 0 : square < 0.8 ? 1 : 2 };
}

// Samples from functions of your own. There are other sources as well: `imageFolder`, `arrays` (.npy, .npz), `csv`, `text`.
function rings() {
  return own({
    // What one sample holds. `label` is what the model is to predict, if the task names no other `target`.
    fields: { position: { type: 'float32', shape: [2] }, label: { type: 'uint8', shape: [] } },
    classes: CLASSES,
    length: (split) => SAMPLES[split],
    // The samples of some ids, one after the other.
    read(split, ids) {
      const position = new Float32Array(2 * ids.length);
      const label = new Uint8Array(ids.length);
      Array.from(ids).forEach((id, row) => {
        const { x, y, ring } = point(split, id);
        position.set([x, y], 2 * row);
        label[row] = ring;
      });
      return { position, label };
    },
    // It says which samples these are: change it when they change. For files, use the SHA-256 of their content.
    digest: createHash('sha256').update(`rings of ${SAMPLES.train} and ${SAMPLES.test} points`).digest('hex'),
  });
}

/**
 * One layer: x W + b.
 *
 * @param {import('facet-train').Tensors} parameters
 * @param {string} name
 * @param {tf.Tensor} x [rows, in]
 */
function layer(parameters, name, x) {
  const kernel = /** @type {tf.Tensor2D} */ (parameters.get(`${name}/kernel`));
  const bias = /** @type {tf.Tensor1D} */ (parameters.get(`${name}/bias`));
  return linear(/** @type {tf.Tensor2D} */ (x), kernel, bias);
}

export default defineTask({
  name: 'rings',
  dataset: () => rings(),
  // Values for this task. What facet.yaml or a flag says is stronger.
  training: { epochs: 20, batch: { micro: 50, global: 100 } },
  model: ({ classes }) => ({
    // What is learned, by name, and how it starts. Random numbers come from the seed of the run.
    parameters: {
      'first/kernel': weights([2, WIDTH]),
      'first/bias': zeros([WIDTH]),
      'second/kernel': weights([WIDTH, WIDTH]),
      'second/bias': zeros([WIDTH]),
      'last/kernel': weights([WIDTH, classes.length]),
      'last/bias': zeros([classes.length]),
    },
    // From samples to answers: row i of the answer may depend on row i of the sample alone. The model is captured once, so
    // it must make the same operations every time: no `if` on numbers, no reading of values.
    predict(parameters, { position }) {
      const first = tf.relu(layer(parameters, 'first', /** @type {tf.Tensor} */ (position)));
      const second = tf.relu(layer(parameters, 'second', first));
      return layer(parameters, 'last', second);
    },
  }),
  // loss: 'crossEntropy' is what samples with classes get. A function of (prediction, sample) works as well.
});
