// Reads a depth from two pictures of the same scene. Two images in each sample, from a source of one's own.
import { defineTask, own, tf, weights, zeros } from 'facet-train';
import { DIGEST, drawScene, HEIGHT, WIDTH } from './scenes.mjs';

const SAMPLES = { train: 3000, test: 500 };
const FILTERS = 24;

const picture = { type: 'uint8', shape: [HEIGHT, WIDTH, 1] };

const scenes = own({
  fields: { left: picture, right: picture, depth: { type: 'float32', shape: [1] } },
  length: (split) => SAMPLES[split],
  digest: DIGEST,
  read(split, ids) {
    // Test scenes have other numbers than those to train on.
    const drawn = [...ids].map((id) => drawScene(split === 'train' ? id : SAMPLES.train + id));
    return {
      left: Uint8Array.from(drawn.flatMap(({ left }) => [...left])),
      right: Uint8Array.from(drawn.flatMap(({ right }) => [...right])),
      depth: Float32Array.from(drawn, ({ depth }) => depth),
    };
  },
});

export default defineTask({
  name: 'two-cameras',
  dataset: scenes,
  target: 'depth',
  loss: 'huber',
  metrics: { metresOff: (prediction, { depth }) => prediction.sub(depth).abs().reshape([-1]) },
  training: { epochs: 10, batch: { global: 64, micro: 16 }, optimizer: { peakLearningRate: 0.003 } },
  model: ({ microBatch }) => ({
    parameters: {
      // [height, width, pictures, filters]
      'first.w': weights([3, 9, 2, FILTERS]),
      'first.b': zeros([FILTERS]),
      'second.w': weights([3, 5, FILTERS, FILTERS]),
      'second.b': zeros([FILTERS]),
      'output.w': weights([(HEIGHT / 4) * (WIDTH / 4) * FILTERS, 1]),
      'output.b': zeros([1]),
    },
    predict(parameters, { left, right }) {
      const layer = (x, name) =>
        x
          .conv2d(parameters.get(`${name}.w`), 2, 'same')
          .add(parameters.get(`${name}.b`))
          .relu();
      const both = tf.concat([left, right], 3).sub(0.4);
      const seen = layer(layer(both, 'first'), 'second').reshape([microBatch, -1]);
      return seen.matMul(parameters.get('output.w')).add(parameters.get('output.b'));
    },
  }),
});
