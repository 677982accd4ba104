import { describe, expect, it } from 'vitest';
import { interpretProgram } from '@facet/compiler/internal';
import type { NumbersByName } from '@facet/compiler';
import { captureTrainingProgram, metricOutput } from '../micro-batch-program.js';
import { PROBE_TASK } from '../probe-task.js';
import { conformanceEngines, runsWhollyOn } from './conformance-engine.js';
import { captureCase } from './op-case.js';
import { OP_CASES } from './op-cases.js';

/** Relative to the largest number of a tensor; the engines stay below 3e-6. */
const TOLERANCE = 1e-5;

const engines = await conformanceEngines();
const cases: ({ name: string } & Awaited<ReturnType<typeof captureCase>>)[] = [];
for (const opCase of OP_CASES) cases.push({ name: opCase.name, ...(await captureCase(opCase)) });

/** The largest deviation of finite numbers, relative to the largest of their tensor; where one is not finite, all differ. */
function deviation(actual: NumbersByName, expected: NumbersByName): number {
  const deviations = Object.entries(expected).map(([name, numbers]) => {
    const scale = Math.max(...Array.from(numbers, Math.abs), 1e-3);
    const differences = Array.from(numbers, (number, i) => Math.abs(actual[name]![i]! - number) / scale);
    return Math.max(...differences);
  });
  return Math.max(...deviations);
}

/** NaN and infinities in their places, and `finite` for everything else. */
function finiteness(results: NumbersByName): Record<string, (number | 'finite')[]> {
  return Object.fromEntries(
    Object.entries(results).map(([name, numbers]) => [
      name,
      Array.from(numbers, (number) => (Number.isFinite(number) ? 'finite' : number)),
    ]),
  );
}

/** The numbers of a case with one element of one variable replaced, for every variable and each of the values. */
function replaced(numbers: NumbersByName, variables: readonly string[], values: readonly number[]): NumbersByName[] {
  return variables.flatMap((variable) =>
    values.map((value) => {
      const middle = numbers[variable]!.length >> 1;
      return { ...numbers, [variable]: Array.from(numbers[variable]!, (x, i) => (i === middle ? value : x)) };
    }),
  );
}

describe.each(engines)('$name', ({ unavailable, missing, tolerances, nonFinite, onProcessor, run }) => {
  if (unavailable !== undefined) {
    it('computes every operation and its gradient', (context) => context.skip(unavailable));
    return;
  }

  it.for(cases)('computes $name and its gradient as the reference does', async (opCase, context) => {
    const { name, forward, gradient, numbers } = opCase;
    if (missing[name] !== undefined) context.skip(missing[name]);
    for (const computation of [forward, gradient]) {
      const [actual] = await run(computation, [numbers]);
      const expected = interpretProgram(computation.program, numbers);
      expect(deviation(actual!, expected)).toBeLessThan(tolerances[name] ?? TOLERANCE);
    }
  });

  if (typeof nonFinite === 'string') {
    it('carries NaN and infinities through every operation', (context) => context.skip(nonFinite));
  } else {
    const withVariables = cases.filter(({ variables }) => variables.length > 0);
    it.for(withVariables)('carries NaN and infinities through $name and its gradient', async (opCase, context) => {
      const { name, gradient, numbers, variables } = opCase;
      const reason = missing[name] ?? nonFinite[name];
      if (reason !== undefined) context.skip(reason);
      const sets = replaced(numbers, variables, [Number.NaN, Infinity, -Infinity]);
      const results = await run(gradient, sets);
      sets.forEach((set, i) => {
        expect(finiteness(results[i]!)).toEqual(finiteness(interpretProgram(gradient.program, set)));
      });
    });
  }

  if (onProcessor === undefined) return;

  it.each(cases)('leaves no node of $name to the processor, unless it is listed', async ({ name, gradient }) => {
    expect(await runsWhollyOn('webgpu', gradient.program)).toBe(onProcessor[name] === undefined);
  });

  it('leaves nothing of a training step to the processor but the count of correct answers', async () => {
    const program = await captureTrainingProgram(PROBE_TASK);
    expect(await runsWhollyOn('webgpu', program)).toBe(false);
    const outputs = program.outputs.filter(({ name }) => name !== metricOutput('correct'));
    expect(await runsWhollyOn('webgpu', { ...program, outputs })).toBe(true);
  });
});

describe('the lists of differences', () => {
  it('name existing cases', () => {
    const names = new Set(OP_CASES.map(({ name }) => name));
    const listed = engines.flatMap(({ missing, tolerances, nonFinite, onProcessor }) =>
      [missing, tolerances, typeof nonFinite === 'string' ? {} : nonFinite, onProcessor ?? {}].flatMap(Object.keys),
    );
    expect(listed.filter((name) => !names.has(name))).toEqual([]);
    expect(names.size).toBe(OP_CASES.length);
  });
});
