// A tfjs backend as a peer of the engine bench: `tfjs-peer.mjs cpu|wasm`. Answers {config, batch} with the milliseconds of
// one forward and backward pass of the plain vision transformer, its loss, and the norm of its whole gradient; after a warm-up
// also with the kernels that ran. Every operation runs as it is written in plain-vit.mjs: nothing is replaced for a backend.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { servePeer } from './peer-process.mjs';
import { inputShapes, inputValues, lossAndGradients } from './plain-vit.mjs';

const [, , backend] = process.argv;
await tf.setBackend(backend);

function evaluate(config, values, batch) {
  return tf.tidy(() => {
    const shapes = Object.entries(inputShapes(config, batch));
    const results = lossAndGradients(
      config,
      new Map(shapes.map(([name, shape]) => [name, tf.tensor(values[name], shape)])),
    );
    let squares = 0;
    for (const [name, tensor] of Object.entries(results)) {
      const numbers = tensor.dataSync();
      if (name !== 'loss') for (const number of numbers) squares += number * number;
    }
    return { loss: results.loss.dataSync()[0], gradientNorm: Math.sqrt(squares) };
  });
}

await servePeer(async ({ config, batch, isWarmUp }) => {
  const values = inputValues(config, batch);
  // A kernel that the backend lacks fails the function, so what is listed ran on the backend; tfjs also lists gradient scopes.
  const profile = isWarmUp ? await tf.profile(() => evaluate(config, values, batch)) : { kernelNames: [] };
  const kernels = profile.kernelNames.filter((name) => tf.getKernel(name, backend) !== undefined);
  const startedAt = performance.now();
  const results = evaluate(config, values, batch);
  return { milliseconds: performance.now() - startedAt, ...results, kernels };
});
