/** The cases of the conformance suite as programs, and how an engine's answers to one are judged. */
import { expect, type TestContext } from 'vitest';
import type { NumbersByName } from '@facet/compiler';
import { interpretProgram } from '@facet/compiler/internal';
import type { ConformanceEngine } from '../src/conformance/conformance-engine.js';
import { captureCase, type CapturedCase } from '../src/conformance/op-case.js';
import { OP_CASES } from '../src/conformance/op-cases.js';

/** Relative to the largest number of a tensor; the engines stay below 3e-6. */
const TOLERANCE = 1e-5;

export interface NamedCase extends CapturedCase {
  readonly name: string;
}

/** Captures all cases. */
export async function capturedCases(): Promise<NamedCase[]> {
  const cases: NamedCase[] = [];
  for (const opCase of OP_CASES) cases.push({ name: opCase.name, ...(await captureCase(opCase)) });
  return cases;
}

/** Expects that an engine computes a case and its gradient as the reference does; skips what it is known to lack. */
export async function expectReference(
  { missing, tolerances, run }: ConformanceEngine,
  { name, forward, gradient, numbers }: NamedCase,
  context: TestContext,
): Promise<void> {
  if (missing[name] !== undefined) context.skip(missing[name]);
  for (const computation of [forward, gradient]) {
    const [actual] = await run(computation, [numbers]);
    const expected = interpretProgram(computation.program, numbers);
    expect(deviation(actual!, expected)).toBeLessThan(tolerances[name] ?? TOLERANCE);
  }
}

/** The largest deviation of finite numbers, relative to the largest of their tensor; where one is not finite, all differ. */
function deviation(actual: NumbersByName, expected: NumbersByName): number {
  const deviations = Object.entries(expected).map(([name, numbers]) => {
    const scale = Math.max(...Array.from(numbers, Math.abs), 1e-3);
    const differences = Array.from(numbers, (number, i) => Math.abs(actual[name]![i]! - number) / scale);
    return Math.max(...differences);
  });
  return Math.max(...deviations);
}
