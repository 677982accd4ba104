import { expect, it } from 'vitest';
import { TrainingError } from './errors.js';
import { memoryRefusal } from './memory-refusal.js';

function caughtOf(act: () => unknown): unknown {
  try {
    act();
  } catch (caught) {
    return caught;
  }
  throw new Error('nothing was refused');
}

it.each<[string, () => unknown]>([
  ['a buffer', () => new ArrayBuffer(Number.MAX_SAFE_INTEGER)],
  ['an array', () => new Float32Array(2 ** 52)],
])('says what to do when there is no memory for %s', (_, act) => {
  expect(memoryRefusal(caughtOf(act))).toMatchObject({
    code: 'MEMORY_REFUSED',
    isUsage: true,
    message: expect.stringMatching(/^the system gives no more memory \(.+\); raise its limit/) as string,
  });
});

it('knows the words of WebAssembly and of threads', () => {
  expect(memoryRefusal(new RangeError('WebAssembly.Memory(): could not allocate memory'))).toBeDefined();
  expect(
    memoryRefusal(Object.assign(new Error('Worker terminated'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })),
  ).toBeDefined();
});

it('leaves other errors alone', () => {
  expect(memoryRefusal(new RangeError('offset is out of bounds'))).toBeUndefined();
  expect(memoryRefusal(new TrainingError('INTERNAL', 'allocation failed'))).toBeUndefined();
});
