import { expect, test } from 'vitest';
import { wishFor } from '@facet/shared';
import { readEngineFlags } from './engine-flags.js';

test('a flag that is not given leaves it to the run', () => {
  expect(readEngineFlags({})).toEqual({ wish: {}, problems: [] });
  const { wish } = readEngineFlags({ device: 'cuda' });
  expect(wishFor(wish, { name: 'onnxruntime', device: 'cpu' })).toEqual({ name: 'onnxruntime', device: 'cuda' });
});

test('both flags together say it all', () => {
  const { wish, problems } = readEngineFlags({ engine: 'tensorflow', device: 'auto' });
  expect(problems).toEqual([]);
  expect(wishFor(wish, { name: 'onnxruntime', device: 'webgpu' })).toEqual({ name: 'tensorflow', device: 'auto' });
});

test('every unknown name is a problem', () => {
  expect(readEngineFlags({ engine: 'onnx', device: 'gpu' }).problems).toEqual([
    "--engine: 'onnx', expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu",
    "--device: 'gpu', expected one of auto, cpu, webgpu, cuda; for a GPU say cuda (NVIDIA) or webgpu",
  ]);
});

test('an engine on a device that it does not run on is a problem', () => {
  expect(readEngineFlags({ engine: 'tfjs-cpu', device: 'cuda' }).problems).toEqual([
    "--device: 'cuda', expected auto or cpu: engine tfjs-cpu runs on nothing else",
  ]);
});

test('a flag that does not fit the run names both and says what to give', () => {
  const { wish } = readEngineFlags({ engine: 'tensorflow' });
  expect(() => wishFor(wish, { name: 'onnxruntime', device: 'webgpu' })).toThrow(
    "--device: 'webgpu', expected auto or cpu: engine tensorflow runs on nothing else; the run says onnxruntime on webgpu: give both --engine and --device",
  );
});
