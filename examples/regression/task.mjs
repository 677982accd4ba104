// Learns how far a ball flies, from a table of numbers.
import { csv, defineTask, tf, weights, zeros } from 'facet-train';

// Ranges of the columns speed, angle, mass and diameter, so that the network sees numbers around 0.
const LOW = [5, 10, 0.05, 0.04];
const HIGH = [40, 80, 0.6, 0.24];
const METRES = 20;
const WIDTH = 64;

export default defineTask({
  name: 'throws',
  // The file of --data. `features` are the other columns: speed, angle, mass, diameter.
  dataset: csv({ label: 'distance', labelIs: 'number' }),
  training: { epochs: 30, batch: { global: 128, micro: 32 }, optimizer: { peakLearningRate: 0.005 } },
  model: ({ fields }) => ({
    parameters: {
      'hidden.w': weights([fields.features.shape[0], WIDTH]),
      'hidden.b': zeros([WIDTH]),
      'second.w': weights([WIDTH, WIDTH]),
      'second.b': zeros([WIDTH]),
      'output.w': weights([WIDTH, 1]),
      'output.b': zeros([1]),
    },
    predict(parameters, { features }) {
      const dense = (x, name) => x.matMul(parameters.get(`${name}.w`)).add(parameters.get(`${name}.b`));
      const middle = LOW.map((low, column) => (low + HIGH[column]) / 2);
      const half = LOW.map((low, column) => (HIGH[column] - low) / 2);
      const scaled = features.sub(tf.tensor1d(middle)).div(tf.tensor1d(half));
      const hidden = dense(scaled, 'hidden').tanh();
      return dense(dense(hidden, 'second').tanh(), 'output').mul(METRES);
    },
  }),
  loss: 'huber',
  // Shown beside the loss, in metres: the mean over the samples.
  metrics: {
    metresOff: (prediction, { label }) => prediction.reshape([-1]).sub(label).abs(),
  },
});
