/**
 * The update as it is wired: the gradients of a real run, given to the training loop, must lead to the state that PyTorch's
 * AdamW, clipping, schedule and averaged model come to with the same gradients. The stored numbers are made by
 *
 *     FACET_RECORD=1 npx vitest run packages/worker/src/train/wired-update.test.ts     the gradients, from our run
 *     python reference/python/make_numbers.py wired-update wired-frozen                the state after them, from PyTorch
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { trainedParameters } from '@facet/task';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '@facet/shared';
import { runWired, WIRED_CONFIG, type RecordedSum, type WiredRun } from '../../test/wired-run.js';

const STEPS = 20;
const NUMBERS = new URL('../../../../reference/numbers/', import.meta.url);
const RUN_FILE = fileURLToPath(new URL('wired-run.safetensors', NUMBERS));

interface Expected {
  /** Norms of the mean gradients before clipping, as torch.nn.utils.clip_grad_norm_ returns them. */
  readonly norms: readonly number[];
  readonly rates: readonly number[];
  /** Ranges of elements that are not trained. */
  readonly frozen?: readonly (readonly [number, number])[];
}

function tensorsOf(file: string): ReadonlyMap<string, Float32Array> {
  const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(file)));
  return new Map([...tensors].map(([name, { values }]) => [name, values as Float32Array]));
}

/** Rows of a stored [micro-batches, columns] tensor. */
function rowsOf(values: Float32Array, columns: number): Float32Array[] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns),
  );
}

function storedRun(): { readonly initial: Float32Array; readonly sums: readonly RecordedSum[] } {
  const tensors = tensorsOf(RUN_FILE);
  const initial = tensors.get('initial')!;
  const accounting = rowsOf(tensors.get('accounting')!, 4);
  const sums = rowsOf(tensors.get('gradients')!, initial.length).map((gradient, row) => {
    const [loss, correct, count, checksum] = accounting[row]!;
    return {
      gradient,
      accounting: { loss: loss!, metrics: { correct: correct! }, count: count!, checksum: checksum! },
    };
  });
  return { initial, sums };
}

function record({ initial, sums, compute }: WiredRun): void {
  const tensor = (shape: readonly number[], rows: readonly ArrayLike<number>[]): Tensor => ({
    shape,
    values: Float32Array.from(rows.flatMap((row) => Array.from(row))),
  });
  const decays = compute.layout.slots.flatMap(({ length, decays }) => new Array<number>(length).fill(decays ? 1 : 0));
  const accounting = sums.map(({ accounting: { loss, metrics, count, checksum } }) => [
    loss,
    metrics['correct']!,
    count,
    checksum,
  ]);
  const tensors = new Map([
    ['initial', tensor([initial.length], [initial])],
    ['decays', tensor([initial.length], [decays])],
    [
      'gradients',
      tensor(
        [sums.length, initial.length],
        sums.map(({ gradient }) => gradient),
      ),
    ],
    ['accounting', tensor([sums.length, 4], accounting)],
  ]);
  const { optimizer, batch } = WIRED_CONFIG;
  const metadata = { optimizer: JSON.stringify(optimizer), batch: JSON.stringify(batch), steps: String(STEPS) };
  writeFileSync(RUN_FILE, encodeSafetensors({ tensors, metadata }));
}

/** The largest absolute difference. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  // A NaN must not hide.
  return Array.from(actual).reduce((most, value, i) => {
    const difference = Math.abs(value - expected[i]!);
    return difference <= most ? most : difference;
  }, 0);
}

describe('the update of a run', () => {
  if (process.env['FACET_RECORD'] === '1') {
    it('is recorded', async () => {
      record(await runWired());
    });
  }

  it.each([
    ['', 'wired-update', []],
    [', where parameters are frozen', 'wired-frozen', ['stem.*', 'block0.*.weight']],
  ])('is that of PyTorch over twenty steps of a real run%s', async (_, name, freeze) => {
    const { initial, sums } = storedRun();
    const after = tensorsOf(fileURLToPath(new URL(`${name}.safetensors`, NUMBERS)));
    const {
      norms,
      rates,
      frozen = [],
    } = JSON.parse(readFileSync(new URL(`${name}.json`, NUMBERS), 'utf8')) as Expected;
    const { state, steps, initial: ours, compute } = await runWired(sums, freeze);
    // Not a bit of what is frozen changes, and it has no moments.
    for (const [start, end] of frozen) {
      for (const part of ['weights', 'ema'] as const) {
        expect(state[part]!.subarray(start, end)).toEqual(initial.subarray(start, end));
      }
      for (const part of ['m', 'v'] as const)
        expect(state[part].subarray(start, end).every((value) => value === 0)).toBe(true);
    }
    const trained = trainedParameters(compute.layout, freeze).slots.reduce((sum, { length }) => sum + length, 0);
    expect(trained).toBe(initial.length - frozen.reduce((sum, [start, end]) => sum + end - start, 0));
    expect(ours).toEqual(initial);
    expect(steps).toHaveLength(STEPS);
    for (const part of ['weights', 'm', 'v', 'ema'] as const) {
      expect(distance(state[part]!, after.get(part)!), part).toBeLessThan(1e-6);
    }
    steps.forEach(({ gradientNorm, learningRate }, i) => {
      expect(gradientNorm / norms[i]!, `norm of step ${i + 1}`).toBeCloseTo(1, 5);
      expect(learningRate, `learning rate of step ${i + 1}`).toBeCloseTo(rates[i]!, 9);
    });
    // Else clipping is not tested.
    expect(norms.some((norm) => norm > WIRED_CONFIG.optimizer.clipNorm)).toBe(true);
    expect(norms.some((norm) => norm < WIRED_CONFIG.optimizer.clipNorm)).toBe(true);
  });

  it('has a norm of the size of its gradient: the stored run is what the engine computes today', async () => {
    const { sums: stored } = storedRun();
    const { sums, steps } = await runWired();
    expect(sums).toHaveLength(stored.length);
    // Before the first update there are no differences of rounding to grow.
    for (const at of [0, 1, 2]) {
      expect(distance(sums[at]!.gradient, stored[at]!.gradient)).toBeLessThan(1e-4);
    }
    for (const [at, { accounting }] of sums.entries()) {
      expect(accounting.count).toBe(stored[at]!.accounting.count);
      expect(accounting.checksum).toBe(stored[at]!.accounting.checksum);
    }
    for (const { gradientNorm } of steps) expect(gradientNorm).toBeLessThan(20);
  });
});
