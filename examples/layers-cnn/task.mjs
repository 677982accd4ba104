// Tells circles, squares, stars and triangles apart, with a small convolutional network of tf.layers.
import { defineTask, fromLayers, imageFolder, tf } from 'facet-train';

const convolution = (filters, more = {}) =>
  tf.layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...more });

export default defineTask({
  name: 'shapes',
  // CLASS/*.png in the folder of --data. A share of the images becomes the test split.
  dataset: imageFolder({ size: 32 }),
  training: {
    epochs: 20,
    batch: { global: 64, micro: 16 },
    optimizer: { peakLearningRate: 0.004 },
  },
  // Shown beside the accuracy: the probability that the network gives its answer, a mean over the images.
  metrics: { confidence: (logits) => logits.softmax().max(-1) },
  model: fromLayers(({ fields, classes }) =>
    tf.sequential({
      layers: [
        convolution(16, { inputShape: fields.image.shape }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        convolution(32),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        convolution(32),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        // No softmax: the loss takes the logits.
        tf.layers.dense({ units: classes.length }),
      ],
    }),
  ),
  // Mirrors every second image, so that the network sees more of them. `random` is the same on every worker.
  augment({ image }, random) {
    if (random.nextUniform() < 0.5) return;
    for (let row = 0; row < 32; row++) {
      const line = image.subarray(row * 96, (row + 1) * 96);
      const pixels = Array.from({ length: 32 }, (_, x) => line.slice(x * 3, x * 3 + 3));
      pixels.reverse().forEach((pixel, x) => line.set(pixel, x * 3));
    }
  },
});
