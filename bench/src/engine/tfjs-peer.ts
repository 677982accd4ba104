/**
 * A tfjs backend as a peer of the engine bench: `tfjs-peer.js cpu|wasm`. Answers with the milliseconds of one forward and
 * backward pass of the plain vision transformer, its loss, and the norm of its whole gradient; after a warm-up also with the
 * kernels that ran. Every operation runs as it is written in plain-vit.ts: nothing is replaced for a backend.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { servePeer } from '../process/serve-peer.js';
import { inputShapes, inputValues, lossAndGradients } from './plain-vit.js';
import type { PassAnswer, PassQuestion } from './engine-peers.js';
import type { VitConfig } from './vit-config.js';

const backend = process.argv[2] ?? 'cpu';
await tf.setBackend(backend);

function evaluate(
  config: VitConfig,
  values: Readonly<Record<string, Float32Array>>,
  batch: number,
): { loss: number; gradientNorm: number } {
  return tf.tidy(() => {
    const shapes = Object.entries(inputShapes(config, batch));
    const results = lossAndGradients(
      config,
      new Map(shapes.map(([name, shape]) => [name, tf.tensor(values[name]!, [...shape])])),
    );
    let squares = 0;
    for (const [name, tensor] of Object.entries(results)) {
      const numbers = tensor.dataSync();
      if (name !== 'loss') for (const number of numbers) squares += number * number;
    }
    return { loss: results.loss.dataSync()[0]!, gradientNorm: Math.sqrt(squares) };
  });
}

/** The kernels that ran. One that the backend lacks fails the function, so these ran on it; tfjs also lists gradient scopes. */
async function kernelsOf(run: () => void): Promise<string[]> {
  // What is profiled must return tensors, so the numbers go another way.
  const { kernelNames } = await tf.profile(() => {
    run();
    return tf.scalar(0);
  });
  return kernelNames.filter((name) => tf.getKernel(name, backend) !== undefined);
}

await servePeer<PassQuestion>(async ({ config, batch, isWarmUp }): Promise<PassAnswer> => {
  const values = inputValues(config, batch);
  const kernels = isWarmUp ? await kernelsOf(() => void evaluate(config, values, batch)) : [];
  const startedAt = performance.now();
  const results = evaluate(config, values, batch);
  return { milliseconds: performance.now() - startedAt, ...results, kernels };
});
