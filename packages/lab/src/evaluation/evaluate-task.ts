/**
 * Evaluates stored weights of any task, in this process and without a cluster: the mean loss, the task's own figures, and
 * right answers where answers are classes. The multi-view model has more to show: evaluate-weights.ts.
 */
import type { NamedSource } from '@facet/datasets';
import { TrainingError, wilsonInterval, type EngineWish, type ParameterLayout, type RunConfig } from '@facet/shared';
import { formatEngine, judgeAnswers, openEngine } from '@facet/engine';
import { evaluatedIds } from './evaluated-ids.js';
import { KeptAnswers } from './kept-answers.js';
import type { Scores } from './scores.js';
import { fillTensors, requireSameLayout } from '@facet/task';
import { openTask } from '../tasks/open-task.js';

export interface EvaluateTaskOptions {
  readonly config: RunConfig;
  /** Flat weights and where each parameter lies in them, as a checkpoint stores them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
  readonly data: NamedSource;
  readonly split: RunConfig['evaluation'];
  readonly engine: EngineWish;
  /** 0 takes all cores. */
  readonly threads: number;
}

/** The figures of answers that are classes; how far they can be trusted only where all of them fit into memory. */
type ClassFigures = Pick<Scores, 'accuracy' | 'accuracyInterval' | 'confusion' | 'perClass'> &
  Partial<Pick<Scores, 'calibration' | 'topMistakes'>>;

export interface TaskEvaluation extends Partial<ClassFigures> {
  readonly samples: number;
  /** Mean over the samples. */
  readonly loss: number;
  /** Means over the samples, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What computed it, such as `onnxruntime/cpu`. */
  readonly engine: string;
}

/**
 * Evaluates weights on the samples of a split that the run's configuration chooses.
 *
 * @throws TrainingError as `openTask`; CHECKPOINT_INCOMPATIBLE when the weights belong to another task; CONFIG_INVALID when the
 *   run holds no samples out; ENGINE_UNAVAILABLE; NON_FINITE when the loss is no finite number.
 */
export async function evaluateTask(options: EvaluateTaskOptions): Promise<TaskEvaluation> {
  const { config, weights, layout, data, split, threads } = options;
  const sizes = { trainSamples: data.length('train'), testSamples: data.length('test') };
  const ids = evaluatedIds({ config, sizes, split });
  const task = await openTask(config, { fields: data.fields, classes: data.classes ?? [] });
  const { compute, choice } = await openEngine({ wish: options.engine, task, threads });
  try {
    requireSameLayout(compute.layout.slots, layout);
    compute.weights.set(weights);
    compute.weightsChanged();
    const [slot] = compute.evaluationSlots;
    const { tensors, outputs } = slot;
    const classes = task.answer.kind === 'class' ? task.answer.classes : 0;
    const confusion = new Uint32Array(classes ** 2);
    const answers = KeptAnswers.of(ids, classes);
    let lossSum = 0;
    const sums: Record<string, number> = {};
    for (let start = 0; start < ids.length; start += task.microBatch) {
      const part = ids.subarray(start, start + task.microBatch);
      const samples = { ids: part, fields: await data.read(split === 'test' ? 'test' : 'train', part) };
      fillTensors(task, tensors, samples, { seed: config.seed, epoch: 0, step: 1, index: 0, isTraining: false });
      await slot.run();
      const judged = judgeAnswers(task, outputs, samples, confusion);
      if (task.answer.kind === 'class') answers?.add(outputs['logits']!, samples.fields[task.answer.label]!);
      lossSum += judged.lossSum;
      for (const [name, sum] of Object.entries(judged.metrics)) sums[name] = (sums[name] ?? 0) + sum;
    }
    const loss = lossSum / ids.length;
    if (!Number.isFinite(loss)) {
      throw new TrainingError(
        'NON_FINITE',
        `the mean loss is ${loss}, expected a finite number; use an earlier checkpoint`,
      );
    }
    const metrics = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / ids.length]));
    const common = { samples: ids.length, loss, metrics, engine: formatEngine(choice.engine) };
    if (classes === 0) return common;
    const scores = answers?.scores();
    if (scores === undefined) return { ...common, ...classFigures(confusion, classes) };
    const { loss: _loss, ...figures } = scores;
    return { ...common, ...figures };
  } finally {
    await compute.close();
  }
}

function classFigures(counts: Uint32Array, classes: number): ClassFigures {
  const confusion = Array.from({ length: classes }, (_, row) => [
    ...counts.subarray(row * classes, (row + 1) * classes),
  ]);
  const ofRow = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const samples = ofRow.reduce((sum, count) => sum + count, 0);
  const accuracy = confusion.reduce((sum, row, label) => sum + row[label]!, 0) / samples;
  const perClass = confusion.map((row, label) => row[label]! / Math.max(1, ofRow[label]!));
  return { accuracy, accuracyInterval: wilsonInterval(accuracy, samples), confusion, perClass };
}
