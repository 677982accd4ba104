// A tfjs backend as a peer of the engine bench: `tfjs-peer.mjs cpu|wasm`. Answers {config, batch} with the milliseconds of
// one forward and backward pass of the plain vision transformer, its loss, and the norm of its whole gradient.

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

await servePeer(({ config, batch, isWarmUp }) => {
  const values = inputValues(config, batch);
  if (isWarmUp) evaluate(config, values, batch);
  const startedAt = performance.now();
  const results = evaluate(config, values, batch);
  return { milliseconds: performance.now() - startedAt, ...results };
});
