import { describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { captureProgram } from './capture.js';

const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

describe('capture', () => {
  it('names the operation that it does not know and the file to add it to', async () => {
    await expect(
      captureProgram({
        name: 'p',
        inputs: [{ name: 'x', ...f32(4) }],
        build: (inputs) => ({ y: tf.cumsum(inputs.get('x')!) }),
      }),
    ).rejects.toThrow(/tfjs operation Cumsum cannot be captured.*capture-kernels\.ts/);
  });

  it('says that a program is static when a value is read back', async () => {
    await expect(
      captureProgram({
        name: 'p',
        inputs: [{ name: 'x', ...f32(4) }],
        build: (inputs) => ({ y: tf.scalar(inputs.get('x')!.dataSync()[0]!) }),
      }),
    ).rejects.toThrow(/read a tensor back/);
  });

  it('leaves tfjs on the backend that it was on', async () => {
    await tf.setBackend('cpu');
    await captureProgram({
      name: 'p',
      inputs: [{ name: 'x', ...f32(4) }],
      build: (inputs) => ({ y: inputs.get('x')!.square() }),
    });
    expect(tf.getBackend()).toBe('cpu');
    expect((await tf.tensor1d([3]).square().data())[0]).toBe(9);
  });
});
