import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { GRADIENT_FORMATS, type GradientFormatName } from '@facet/shared';
import { createFloatMemory } from '../float-memory.js';
import { bytesOf } from './codec.js';
import { gradientFormat, type GradientFormat } from './gradient-format.js';
import { roundInTurns } from './round-in-turns.js';

const NODE = { step: 3, level: 1, index: 2 };
const LOSSY = GRADIENT_FORMATS.filter((name) => name !== 'fp32');
const formatOf = (name: GradientFormatName, exactFrom = Infinity, seed = 1): GradientFormat =>
  gradientFormat({ name, exactFrom, seed });

function rounded(format: GradientFormat, values: ArrayLike<number>, start = 0, node = NODE): Float32Array {
  const copy = Float32Array.from(values);
  format.round(copy, start, node);
  return copy;
}

function transmitted(format: GradientFormat, values: Float32Array, start = 0): Float32Array {
  const bytes = new Uint8Array(format.encodedBytes(start, values.length));
  const result = new Float32Array(values.length).fill(9);
  format.encode(values, start, bytes);
  format.decode(bytes, start, result);
  return result;
}

const memory = createFloatMemory();

/** The same in memory of the kernels. */
function inKernels(values: Float32Array): Float32Array {
  const copy = memory.allocate(values.length);
  copy.set(values);
  return copy;
}

const float = fc.oneof(fc.float(), fc.float({ noNaN: true, min: -100, max: 100 }));
const floats = fc.array(float, { maxLength: 600 }).map((values) => Float32Array.from(values));

/** The nearest of some numbers that are in order; the one with an even place in the list if there are two. */
function nearest(value: number, grid: readonly number[]): number {
  let [low, high] = [0, grid.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (grid[middle]! <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [value - grid[low]!, grid[high]! - value];
  if (below === above) return grid[low % 2 === 0 ? low : high]!;
  return below < above ? grid[low]! : grid[high]!;
}

describe.each(GRADIENT_FORMATS)('%s', (name) => {
  it('is sent without loss once it is rounded, whatever of it is exact', () => {
    fc.assert(
      fc.property(floats, fc.nat(700), fc.nat(2), (values, exactFrom, blocks) => {
        const format = formatOf(name, exactFrom);
        const start = blocks * format.alignment;
        const sent = rounded(format, values, start);
        expect(transmitted(format, sent, start)).toEqual(sent);
      }),
    );
  });

  it('has the same bits where the kernels work, whatever the size of the values', { timeout: 120_000 }, () => {
    // Blocks of all sizes, some with a value that is not finite: a list of any floats has one in every block.
    const exponents = fc.array(fc.integer({ min: -150, max: 130 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(exponents, fc.nat(255), fc.nat(2), fc.nat(1_200), float, (sizes, short, blocks, exactFrom, odd) => {
        memory.reset();
        const values = Float32Array.from(
          { length: sizes.length * 256 - short },
          (_, i) => (((i * 7919) % 2003) / 1001 - 1) * 2 ** sizes[i >> 8]!,
        );
        if (short % 3 === 0) values[short % values.length] = odd;
        const format = formatOf(name, exactFrom);
        const start = blocks * format.alignment;
        const expected = rounded(format, values, start);
        const actual = inKernels(values);
        format.round(actual, start, NODE);
        expect(bytesOf(actual)).toEqual(bytesOf(expected));
        const bytes = new Uint8Array(format.encodedBytes(start, values.length));
        format.encode(expected, start, bytes);
        const encoded = bytesOf(memory.allocate(values.length)).subarray(0, bytes.length);
        format.encode(actual, start, encoded);
        expect(encoded).toEqual(bytes);
        format.decode(encoded, start, actual.fill(9));
        expect(actual).toEqual(transmitted(format, expected, start));
      }),
      { numRuns: 100 },
    );
  });

  it('changes nothing when it rounds again, at any node', () => {
    fc.assert(
      fc.property(floats, (values) => {
        const once = rounded(formatOf(name), values);
        expect(rounded(formatOf(name), once, 512, { step: 9, level: 0, index: 0 })).toEqual(once);
      }),
    );
  });

  it('rounds a part as it rounds the whole', () => {
    fc.assert(
      fc.property(floats, fc.nat(3), fc.nat(700), (values, at, exactFrom) => {
        const format = formatOf(name, exactFrom);
        const cut = Math.min(values.length, at * format.alignment);
        const whole = rounded(format, values);
        expect(rounded(format, values.subarray(0, cut))).toEqual(whole.subarray(0, cut));
        expect(rounded(format, values.subarray(cut), cut)).toEqual(whole.subarray(cut));
      }),
    );
  });

  it('lets a value that is not finite be seen', () => {
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      const format = formatOf(name);
      const sent = transmitted(format, rounded(format, [1, value, 2]));
      expect(Number.isFinite(sent[1])).toBe(false);
    }
  });

  it('leaves what counts samples alone', () => {
    const values = Float32Array.of(0.1, 1e-30, 16_777_215, 1e30);
    const format = formatOf(name, 2);
    expect([...rounded(format, values).subarray(2)]).toEqual([...values.subarray(2)]);
    expect([...transmitted(format, rounded(format, values)).subarray(2)]).toEqual([...values.subarray(2)]);
  });
});

describe('bf16 and fp16', () => {
  const half = (exponentBits: number, mantissaBits: number): number[] => {
    const bias = 2 ** (exponentBits - 1) - 1;
    const positive: number[] = [];
    for (let exponent = 0; exponent < 2 ** exponentBits - 1; exponent++) {
      for (let mantissa = 0; mantissa < 2 ** mantissaBits; mantissa++) {
        const fraction = mantissa / 2 ** mantissaBits + (exponent === 0 ? 0 : 1);
        positive.push(fraction * 2 ** (Math.max(exponent, 1) - bias));
      }
    }
    return positive;
  };
  const grids = { bf16: half(8, 7), fp16: half(5, 10) };

  it.each(['bf16', 'fp16'] as const)('%s takes the nearest number that it has, the even one of two', (name) => {
    const grid = grids[name];
    const ties = fc.nat(grid.length - 2).map((at) => (grid[at]! + grid[at + 1]!) / 2);
    fc.assert(
      fc.property(
        fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), ties),
        fc.boolean(),
        (size, isNegative) => {
          const value = Math.fround(Math.min(Math.abs(size), grid.at(-1)!)) * (isNegative ? -1 : 1);
          const [actual] = rounded(formatOf(name), [value]);
          expect(Math.abs(actual!)).toBe(nearest(Math.abs(value), grid));
          expect(actual! * value).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('ends fp16 at its largest number', () => {
    expect([...rounded(formatOf('fp16'), [65_519, 65_520, 1e9, -3e38])]).toEqual([65_504, 65_504, 65_504, -65_504]);
  });
});

describe('int8', () => {
  it('is off by less than a unit of its block, which is at most 1/63.5 of the largest value', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 256 }),
        (values) => {
          const unit = Math.max(...values.map(Math.abs)) / 63.5 + 2 ** -120;
          rounded(formatOf('int8'), values).forEach((value, i) => {
            expect(Math.abs(value - Math.fround(values[i]!))).toBeLessThanOrEqual(unit);
          });
        },
      ),
    );
  });

  it('keeps the mean of what is far smaller than a unit', () => {
    const small = 0.001;
    let sum = 0;
    const steps = 400;
    for (let step = 0; step < steps; step++) {
      const values = new Float32Array(256).fill(small);
      values[0] = 1;
      sum += rounded(formatOf('int8'), values, 0, { ...NODE, step })
        .subarray(1)
        .reduce((total, value) => total + value, 0);
    }
    // Each is a unit of 1/64 with odds of 0.064: 5 % are four standard deviations of the mean over so many.
    expect(sum / steps / 255 / small).toBeCloseTo(1, 1);
  });

  it('draws by seed, step, node and element, and by nothing else', () => {
    const values = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
    const first = rounded(formatOf('int8'), values);
    expect(rounded(formatOf('int8'), values)).toEqual(first);
    expect(rounded(formatOf('int8', Infinity, 2), values)).not.toEqual(first);
    expect(rounded(formatOf('int8'), values, 256)).not.toEqual(first);
    for (const node of [
      { ...NODE, step: 4 },
      { ...NODE, level: 2 },
      { ...NODE, index: 3 },
    ]) {
      expect(rounded(formatOf('int8'), values, 0, node)).not.toEqual(first);
    }
  });
});

describe('the lossy formats', () => {
  it.each(LOSSY)('%s is shorter than fp32', (name) => {
    expect(formatOf(name).encodedBytes(0, 10_000)).toBeLessThan(formatOf('fp32').encodedBytes(0, 10_000) / 1.9);
  });

  it.each(LOSSY)('%s rounds a large gradient as a whole, and lets others have their turn meanwhile', async (name) => {
    const values = Float32Array.from({ length: 2_500_000 }, (_, i) => Math.sin(i));
    const format = formatOf(name, 2_400_001);
    const whole = rounded(format, values);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      turn = setImmediate(count);
    };
    let turn = setImmediate(count);
    await roundInTurns(format, values, NODE);
    clearImmediate(turn);
    expect(Buffer.from(values.buffer).equals(bytesOf(whole))).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(2);
  });
});
