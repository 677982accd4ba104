/**
 * Ways to compute the coarse operations in onnxruntime on one thread, at the shapes of the two plain transformers and of
 * mnist-fast, taking turns.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { datasetShape } from '@facet/shared';
import { PRESETS, type PresetName } from '@facet/multiview/config';
import { captureProgram, elementCount } from '@facet/compiler';
import { describeTraining } from '@facet/engine/internal';
import { multiViewShape, multiViewTask } from '@facet/multiview';
import type { BenchContext, Run } from '../bench.js';
import { LARGE, SMALL, type VitConfig } from '../engine/vit-config.js';
import { median, quantile, round } from '../figures.js';
import { randomValues } from '../random-values.js';
import { attentionOperations } from './attention-candidates.js';
import type { AttentionShape } from './attention-layouts.js';
import { openCopies, type OpenCopies, type Values } from './candidate-session.js';
import type { OpsOptions, OpsRow } from './definition.js';
import { geluOperations } from './gelu-candidates.js';
import { layerNormOperations } from './layer-norm-candidates.js';
import { linearOperations } from './linear-candidates.js';
import type { Operation } from './operation.js';

/** Copies of a candidate in one graph, see openCopies: as many as fit a run that others on the machine seldom interrupt. */
const MAX_COPIES = 4;
const RUN_MS = 1;
const SINGLE_TURNS = 3;
const TURN_MS = 10;
const SMALL_TURN_MS = 1;
const MLP_RATIO = 2;
/** Random inputs as large as this many times those of the other benches. */
const SPREAD = 32;
/** The small form's only model. */
const TINY: AttentionShape = { batch: 2, heads: 2, tokens: 8, headWidth: 4 };

const undisturbed = (times: readonly number[]): number => quantile(times, 0.1);

export const runEngineOps: Run<OpsOptions, OpsRow, Record<string, never>, Record<string, never>> = async (
  { turns, only = '' },
  context,
) => {
  const rows: OpsRow[] = [];
  const notes: string[] = [];
  for (const [model, shape] of Object.entries(await modelsOf(context))) {
    for (const operation of operationsOf(shape)) {
      if (!`${model} ${operation.op}`.includes(only)) continue;
      rows.push(...(await compareCandidates(model, operation, { turns, notes, context })));
    }
  }
  return { rows, figures: {}, ratios: {}, notes };
};

/** [batch, heads, tokens, headWidth] of each model, in a micro-batch that suits it. */
async function modelsOf({ isSmall }: BenchContext): Promise<Record<string, AttentionShape>> {
  if (isSmall) return { tiny: TINY };
  return { large: vitShape(LARGE, 16), small: vitShape(SMALL, 64), 'mnist-fast': await presetShape('mnist-fast') };
}

function vitShape({ heads, tokens, width }: VitConfig, batch: number): AttentionShape {
  return { batch, heads, tokens, headWidth: width / heads };
}

async function presetShape(name: PresetName): Promise<AttentionShape> {
  const preset = PRESETS[name];
  const program = await captureProgram(
    describeTraining(multiViewTask(multiViewShape(datasetShape(preset.dataset), preset))),
  );
  const query = program.nodes.find(({ op }) => op.kind === 'attention')?.inputs[0];
  if (query === undefined) throw new Error(`the program of ${name} has no attention, expected at least one`);
  const [batch, heads, tokens, headWidth] = program.values[query]!.shape as [number, number, number, number];
  return { batch, heads, tokens, headWidth };
}

function operationsOf(shape: AttentionShape): Operation[] {
  const rows = shape.batch * shape.tokens;
  const width = shape.heads * shape.headWidth;
  const hidden = MLP_RATIO * width;
  return [
    ...linearOperations({ rows, from: width, to: 3 * width }),
    ...linearOperations({ rows, from: width, to: hidden }),
    ...linearOperations({ rows, from: hidden, to: width }),
    ...geluOperations({ rows, width: hidden }),
    ...layerNormOperations({ rows, width }),
    ...attentionOperations(shape),
  ];
}

interface Comparison {
  readonly turns: number;
  /** What onnxruntime does not take is added, with the reason. */
  readonly notes: string[];
  readonly context: BenchContext;
}

interface OpenCandidate {
  readonly candidate: string;
  readonly results: Values;
  readonly timed: OpenCopies;
  readonly copies: number;
  readonly times: number[];
}

async function compareCandidates(model: string, operation: Operation, comparison: Comparison): Promise<OpsRow[]> {
  const { turns, context } = comparison;
  const turnMs = context.isSmall ? SMALL_TURN_MS : TURN_MS;
  const open = await openCandidates(operation, comparison);
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const { timed, copies, times } of open) {
        await nextTurn();
        context.signal.throwIfAborted();
        await takeTurn(timed, copies, times, turnMs);
      }
    }
    const [now] = open;
    return open.map(({ candidate, times, results }) => ({
      model,
      op: operation.op,
      shape: operation.shape,
      candidate,
      ms: round(median(times)),
      undisturbedMs: round(undisturbed(times)),
      ratio: round(undisturbed(now!.times) / undisturbed(times)),
      maxDifference: round(maxDifference(now!.results, results)),
    }));
  } finally {
    for (const { timed } of open) await timed.close();
  }
}

/** Milliseconds of one copy, for as many runs as fit into a turn. */
async function takeTurn(open: OpenCopies, copies: number, times: number[], turnMs: number): Promise<void> {
  const endAt = performance.now() + turnMs;
  do {
    const startedAt = performance.now();
    await open.run();
    times.push((performance.now() - startedAt) / copies);
  } while (performance.now() < endAt);
}

/** Opens every candidate that onnxruntime takes. */
async function openCandidates(operation: Operation, { notes, context }: Comparison): Promise<OpenCandidate[]> {
  const values = Object.fromEntries(
    Object.entries(operation.inputs).map(([name, sizes]) => [
      name,
      operation.values?.[name] ?? randomValues(elementCount(sizes)).map((value) => value * SPREAD),
    ]),
  );
  const open: OpenCandidate[] = [];
  let copies: number | undefined;
  for (const [candidate, build] of Object.entries(operation.candidates)) {
    try {
      const single = await openCopies(operation, build, 1, values);
      await single.run();
      const results = single.results();
      copies ??= await copiesThatFit(single, context.isSmall ? SMALL_TURN_MS : TURN_MS);
      await single.close();
      const timed = await openCopies(operation, build, copies, operation.values);
      await timed.run();
      open.push({ candidate, results, timed, copies, times: [] });
    } catch (caught) {
      const [reason] = (caught as Error).message.trim().split('\n');
      const note = `skipped: ${operation.op} ${operation.shape}, ${candidate}: ${reason}`;
      context.say(note);
      notes.push(note);
    }
  }
  return open;
}

async function copiesThatFit(single: OpenCopies, turnMs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < SINGLE_TURNS; i++) await takeTurn(single, 1, times, turnMs);
  return Math.max(1, Math.min(MAX_COPIES, Math.floor(RUN_MS / undisturbed(times))));
}

/** The largest difference, relative to the largest value of the same result. */
function maxDifference(reference: Values, actual: Values): number {
  let largest = 0;
  for (const [name, values] of Object.entries(actual)) {
    const expected = reference[name]!;
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(values[i]! - expected[i]!) / scale;
      // A NaN is the largest of all.
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}
