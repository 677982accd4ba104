import { describe, expect, it } from 'vitest';
import { interpretProgram } from '@facet/compiler/internal';
import type { NumbersByName } from '@facet/compiler';
import { capturedCases, expectReference } from '../../test/captured-cases.js';
import { captureTrainingProgram, metricOutput } from '../micro-batch-program.js';
import { PROBE_TASK } from '../probe-task.js';
import { conformanceEngines, runsWhollyOn } from './conformance-engine.js';
import { OP_CASES } from './op-cases.js';

/** Under a software driver it takes minutes to make its kernels: conformance.long.test.ts. */
const SLOW = 'onnxruntime/webgpu';

const engines = await conformanceEngines();
const cases = await capturedCases();

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

describe.each(engines)('$name', (engine) => {
  const { unavailable, missing, nonFinite, onProcessor, run } = engine;
  if (unavailable !== undefined) {
    it('computes every operation and its gradient', (context) => context.skip(unavailable));
    return;
  }

  if (engine.name !== SLOW) {
    it.for(cases)('computes $name and its gradient as the reference does', (opCase, context) =>
      expectReference(engine, opCase, context),
    );
  }

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
