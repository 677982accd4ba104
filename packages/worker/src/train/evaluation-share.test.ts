/** One rank's share of an evaluation, on an engine whose answers the test decides. */
import { createPlan, evenSplit, OPERATION_DEFAULTS, type WorkItem, type WorkSplit } from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import type { Answer, BatchIdentity, BatchTensors, Task } from '@facet/task';
import { describe, expect, it } from 'vitest';
import type { EvaluationSlot } from '@facet/engine';
import { evaluateShare, type EvaluationShare } from './evaluation-share.js';
import type { GenerationWork } from './generation-work.js';

const MICRO = 2;
const config = {
  ...{ ...SYSTEM_TRAINING, ...OPERATION_DEFAULTS, run: 'share', seed: 3, epochs: 1 },
  batch: { global: 4, micro: MICRO },
} as const;
/** Three micro-batches of samples 0 to 4; the last one is a single sample. */
const plan = createPlan(config, { trainSamples: 4, testSamples: 5 });
const item: WorkItem = { kind: 'evaluate', step: 1 };

/** What a sample's field is; the last three, of padding, must never be seen. */
const valueOf = (id: number): number => 2 ** id / 3;
const PADDING = 1e30;

interface Tensors extends BatchTensors {
  readonly values: Float32Array;
}

type Run = (tensors: Tensors, outputs: Record<string, Float32Array>) => void;

async function share(
  answer: Answer,
  run: Run,
  { split = evenSplit(1), rank = 0, signal = new AbortController().signal, seen = [] as BatchIdentity[] } = {},
): Promise<EvaluationShare> {
  const notCalled = (): never => {
    throw new Error('the fake engine calls no function of its task');
  };
  const task: Task<Tensors> = {
    ...{ name: 'share', microBatch: MICRO, parameters: [], inputs: [{ name: 'values', shape: [MICRO] }] },
    ...{ metrics: ['far', 'near'], answer, predictInputs: ['values'], loss: notCalled, predict: notCalled },
    reference: { module: import.meta.url, argument: null },
    prepare({ fields }, tensors, identity) {
      seen.push(identity);
      tensors.values.fill(PADDING).set(fields['value']!);
    },
  };
  const slot = (): EvaluationSlot => {
    const tensors = { values: new Float32Array(MICRO), sampleWeights: new Float32Array(MICRO) };
    const names = answer.kind === 'class' ? { logits: MICRO * answer.classes } : { losses: MICRO };
    const rows = { 'metric:far': MICRO, 'metric:near': MICRO };
    const outputs = Object.fromEntries(
      Object.entries({ ...names, ...rows }).map(([name, length]) => [name, new Float32Array(length)]),
    );
    return {
      tensors,
      outputs,
      run() {
        run(tensors, outputs);
        return Promise.resolve();
      },
    };
  };
  const shards = {
    begin: () => undefined,
    take: (of: WorkItem, index: number) => {
      const ids = plan.microBatch(of, index);
      const fields = { value: Float32Array.from(ids, valueOf), label: Uint8Array.from(ids, (id) => id % 2) };
      return Promise.resolve({ ids, fields });
    },
    backlog: 0,
    close: () => Promise.resolve(),
  };
  const compute = { evaluationSlots: [slot(), slot()] as const } as unknown as GenerationWork['compute'];
  return evaluateShare({ config, plan, task, rank, split, compute, shards, signal }, item);
}

/** Losses are the values, metrics twice and thrice as much. */
const judge: Run = ({ values }, outputs) => {
  outputs['losses']!.set(values);
  outputs['metric:far']!.set(values.map((value) => 2 * value));
  outputs['metric:near']!.set(values.map((value) => 3 * value));
};

const LOSSES: Answer = { kind: 'losses' };

describe('an evaluation of answers that are no classes', () => {
  /** Sums over the samples of a micro-batch: of float32 values, in double arithmetic, without padding. */
  const sumOf = (index: number, factor: number): number =>
    [...plan.microBatch(item, index)].reduce((sum, id) => sum + Math.fround(factor * Math.fround(valueOf(id))), 0);
  const partOf = (index: number) => ({
    index,
    sampleCount: index === 2 ? 1 : 2,
    lossSum: sumOf(index, 1),
    metrics: { far: sumOf(index, 2), near: sumOf(index, 3) },
  });

  it('is the sum of losses and of every metric over the samples of each micro-batch, and no confusion matrix', async () => {
    const { parts, confusion } = await share(LOSSES, judge);
    expect(parts).toEqual([partOf(0), partOf(1), partOf(2)]);
    expect(confusion).toHaveLength(0);
  });

  it('is shared between ranks without a difference', async () => {
    const split: WorkSplit = evenSplit(2);
    const shares = [0, 1].map((rank) => share(LOSSES, judge, { split, rank }));
    const parts = (await Promise.all(shares)).flatMap((of) => of.parts);
    expect(parts).toEqual((await share(LOSSES, judge)).parts);
  });

  it('takes samples as they are: the task is told that nothing is trained', async () => {
    const seen: BatchIdentity[] = [];
    await share(LOSSES, judge, { seen });
    const identity = { seed: 3, epoch: 0, step: 1, isTraining: false };
    expect(seen).toEqual([0, 1, 2].map((index) => ({ ...identity, index })));
  });

  it('hands on a loss that is no number: the coordinator says which', async () => {
    const { parts } = await share(LOSSES, ({ values }, outputs) => {
      outputs['losses']!.set(values);
      outputs['losses']![0] = Number.NaN;
    });
    expect(parts[0]!.lossSum).toBeNaN();
  });

  it('ends when it is aborted', async () => {
    const controller = new AbortController();
    const run: Run = () => {
      controller.abort();
    };
    await expect(share(LOSSES, run, { signal: controller.signal })).rejects.toThrow(/abort/i);
  });
});

describe('an evaluation of classes', () => {
  const CLASSES: Answer = { kind: 'class', classes: 2, label: 'label' };

  it('counts answers by the field that the task names, and sums the metrics', async () => {
    // Always class 1, with odds of e to 1; every odd sample is of that class.
    const { parts, confusion } = await share(CLASSES, (_, outputs) => {
      outputs['logits']!.set([0, 1, 0, 1]);
      outputs['metric:far']!.fill(0.5);
      outputs['metric:near']!.fill(2);
    });
    const [right, wrong] = [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.E)];
    const ids = [0, 1, 2].map((index) => [...plan.microBatch(item, index)]);
    expect(parts.map(({ metrics, sampleCount }) => ({ metrics, sampleCount }))).toEqual(
      ids.map((of) => ({ metrics: { far: 0.5 * of.length, near: 2 * of.length }, sampleCount: of.length })),
    );
    parts.forEach(({ lossSum }, index) => {
      const expected = ids[index]!.reduce((sum, id) => sum + (id % 2 === 1 ? right : wrong), 0);
      expect(lossSum).toBeCloseTo(expected, 12);
    });
    expect([...confusion]).toEqual([0, 3, 0, 2]);
  });
});
