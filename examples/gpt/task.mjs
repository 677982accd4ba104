// A small transformer that learns to write on, character by character, from any text file (Vaswani et al. 2017; Radford et
// al. 2019). Each place of a sample sees only itself and the places before it.
import { attention, defineTask, gelu, layerNorm, linear, normal, ones, tf, text, weights, zeros } from 'facet-train';

const LENGTH = 64;
const WIDTH = 64;
const HEADS = 4;
const BLOCKS = 2;

function blockParameters(block) {
  return {
    [`${block}.norm1.gain`]: ones([WIDTH]),
    [`${block}.norm1.bias`]: zeros([WIDTH]),
    [`${block}.query.w`]: weights([WIDTH, WIDTH]),
    [`${block}.query.b`]: zeros([WIDTH]),
    [`${block}.key.w`]: weights([WIDTH, WIDTH]),
    [`${block}.key.b`]: zeros([WIDTH]),
    [`${block}.value.w`]: weights([WIDTH, WIDTH]),
    [`${block}.value.b`]: zeros([WIDTH]),
    [`${block}.mixed.w`]: normal([WIDTH, WIDTH], 0.02),
    [`${block}.mixed.b`]: zeros([WIDTH]),
    [`${block}.norm2.gain`]: ones([WIDTH]),
    [`${block}.norm2.bias`]: zeros([WIDTH]),
    [`${block}.up.w`]: weights([WIDTH, 4 * WIDTH]),
    [`${block}.up.b`]: zeros([4 * WIDTH]),
    [`${block}.down.w`]: normal([4 * WIDTH, WIDTH], 0.02),
    [`${block}.down.b`]: zeros([WIDTH]),
  };
}

/** [heads, queries, keys]: nothing for what a place may see, a very negative number for what comes later. */
function causalBias() {
  const later = Array.from({ length: LENGTH }, (_, query) =>
    Array.from({ length: LENGTH }, (_, key) => (key > query ? -1e9 : 0)),
  );
  return tf.tensor3d(Array.from({ length: HEADS }, () => later));
}

export default defineTask({
  name: 'characters',
  // The file of --data. Fields: tokens [64], and next [64], which is one character further on.
  dataset: text({ length: LENGTH }),
  target: 'next',
  loss: 'crossEntropy',
  training: {
    epochs: 10,
    batch: { global: 32, micro: 8 },
    optimizer: { peakLearningRate: 0.003, weightDecay: 0.1, clipNorm: 1 },
  },
  model: ({ classes, microBatch }) => ({
    parameters: {
      'embedding.token': normal([classes.length, WIDTH], 0.02),
      'embedding.place': normal([LENGTH, WIDTH], 0.02),
      ...Object.assign({}, ...Array.from({ length: BLOCKS }, (_, block) => blockParameters(`block${block}`))),
      'norm.gain': ones([WIDTH]),
      'norm.bias': zeros([WIDTH]),
      'output.w': weights([WIDTH, classes.length]),
      'output.b': zeros([classes.length]),
    },
    predict(parameters, { tokens }) {
      const get = (name) => parameters.get(name);
      const project = (x, name) => linear(x, get(`${name}.w`), get(`${name}.b`));
      const normalise = (x, name) => layerNorm(x, get(`${name}.gain`), get(`${name}.bias`));
      // [rows, width] -> [samples, heads, places, width of a head], and back.
      const heads = (x) => x.reshape([microBatch, LENGTH, HEADS, WIDTH / HEADS]).transpose([0, 2, 1, 3]);
      const rows = (x) => x.transpose([0, 2, 1, 3]).reshape([microBatch * LENGTH, WIDTH]);
      const bias = causalBias();

      const embedded = get('embedding.token')
        .gather(tokens.reshape([-1]))
        .reshape([microBatch, LENGTH, WIDTH]);
      let x = embedded.add(get('embedding.place')).reshape([microBatch * LENGTH, WIDTH]);
      for (let index = 0; index < BLOCKS; index++) {
        const block = `block${index}`;
        const before = normalise(x, `${block}.norm1`);
        const [query, key, value] = ['query', 'key', 'value'].map((of) => heads(project(before, `${block}.${of}`)));
        x = x.add(project(rows(attention({ query, key, value, bias })), `${block}.mixed`));
        const up = gelu(project(normalise(x, `${block}.norm2`), `${block}.up`));
        x = x.add(project(up, `${block}.down`));
      }
      return project(normalise(x, 'norm'), 'output').reshape([microBatch, LENGTH, classes.length]);
    },
  }),
});
