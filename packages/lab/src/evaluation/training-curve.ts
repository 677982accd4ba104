/**
 * How a run got where it is, from its ledger: loss and accuracy of its steps, thinned out to what a chart can show, and
 * every evaluation; beside them the learning rate, which is a function of the step. Numbers for people; the ledger's checker
 * is the one who judges.
 */
import {
  historyItem,
  readLedgerFile,
  stepsPerEpoch,
  type LedgerRecord,
  type RunChange,
  type RunConfig,
  type RunItem,
  type StepItem,
} from '@facet/shared';

export interface TrainingCurve {
  /** Committed steps. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** At most MOST_POINTS stretches of equal length. */
  readonly loss: readonly LossPoint[];
  /** Of the same stretches; without those whose ledger does not say what was right. */
  readonly trainAccuracy: readonly AccuracyPoint[];
  /** Further figures of the task, by name: means over the samples of the same stretches. */
  readonly trainMetrics: Readonly<Record<string, readonly MetricPoint[]>>;
  /** At the first step, and at the last one of every stretch. */
  readonly learningRate: readonly RatePoint[];
  readonly evaluations: readonly EvaluationPoint[];
}

/** The training loss over a stretch of steps. */
export interface LossPoint {
  /** The last step of the stretch. */
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Over the samples of a stretch as they were trained on: augmented, each read by the weights of its own step. */
export interface AccuracyPoint {
  readonly step: number;
  readonly accuracy: number;
}

export interface MetricPoint {
  readonly step: number;
  readonly mean: number;
}

export interface RatePoint {
  readonly step: number;
  readonly rate: number;
}

/** How long the epochs of a run are, and what resumes changed. */
export interface RunPace {
  readonly stepsPerEpoch: number;
  readonly changes: readonly RunChange[];
}

/** The learning rate of a step. */
export type RateAt = (step: number, pace: RunPace) => number;

export interface EvaluationPoint {
  readonly step: number;
  readonly split: RunConfig['evaluation'];
  /** Absent where answers are no classes. */
  readonly accuracy?: number;
  readonly loss: number;
  /** Means of the task's own figures, by name; absent where it has none. */
  readonly metrics?: Readonly<Record<string, number>>;
}

const MOST_POINTS = 200;

/** The curve in a ledger's file; undefined when there is no such file or no step in it. */
export async function readTrainingCurve(ledger: string, rateAt: RateAt): Promise<TrainingCurve | undefined> {
  const curve = new CurveReader();
  try {
    await readLedgerFile(ledger, (record) => {
      curve.add(record);
    });
  } catch {
    // A checkpoint that stands alone has no ledger, and a report can do without.
    return undefined;
  }
  return curve.end(rateAt);
}

/** The curve of a ledger's records; undefined when no step was committed. */
export function trainingCurve(records: readonly LedgerRecord[], rateAt: RateAt): TrainingCurve | undefined {
  const curve = new CurveReader();
  for (const record of records) curve.add(record);
  return curve.end(rateAt);
}

/** Keeps of every step no more than a chart needs. */
class CurveReader {
  #run: RunItem | undefined;
  readonly #steps: StepItem[] = [];
  readonly #evaluations: EvaluationPoint[] = [];
  readonly #changes: RunChange[] = [];

  add(record: LedgerRecord): void {
    const item = historyItem(record);
    if (item.kind === 'run') this.#run = item;
    if (item.kind === 'step') this.#steps.push(item);
    if (item.kind === 'change') this.#changes.push(item.change);
    if (item.kind === 'evaluation') {
      const { step, split, accuracy, loss, metrics } = item;
      this.#evaluations.push({
        ...{ step, split, loss },
        ...(accuracy !== undefined && { accuracy }),
        ...(metrics && { metrics }),
      });
    }
  }

  end(rateAt: RateAt): TrainingCurve | undefined {
    const [steps, run] = [this.#steps, this.#run];
    if (run === undefined || steps.length === 0) return undefined;
    const perEpoch = stepsPerEpoch(run);
    const length = Math.ceil(steps.length / MOST_POINTS);
    const stretches = Array.from({ length: Math.ceil(steps.length / length) }, (_, i) =>
      steps.slice(i * length, (i + 1) * length),
    );
    const rated = new Set([steps[0]!, ...stretches.map((stretch) => stretch.at(-1)!)]);
    return {
      steps: steps.length,
      stepsPerEpoch: perEpoch,
      loss: stretches.map(lossPoint),
      trainAccuracy: stretches.flatMap(accuracyPoint),
      trainMetrics: metricPoints(stretches),
      learningRate: [...rated].map(({ step }) => ({
        step,
        rate: rateAt(step, { stepsPerEpoch: perEpoch, changes: this.#changes }),
      })),
      evaluations: this.#evaluations,
    };
  }
}

function lossPoint(steps: readonly StepItem[]): LossPoint {
  const losses = steps.map(({ loss }) => loss);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return { step: steps.at(-1)!.step, mean, low: Math.min(...losses), high: Math.max(...losses) };
}

function accuracyPoint(steps: readonly StepItem[]): AccuracyPoint[] {
  let [right, samples] = [0, 0];
  for (const { correct, samples: count } of steps) {
    if (correct === undefined) return [];
    right += correct;
    samples += count;
  }
  return [{ step: steps.at(-1)!.step, accuracy: right / samples }];
}

function metricPoints(stretches: readonly (readonly StepItem[])[]): Record<string, MetricPoint[]> {
  const names = new Set(stretches.flatMap((steps) => steps.flatMap(({ metrics = {} }) => Object.keys(metrics))));
  const pointOf = (steps: readonly StepItem[], name: string): MetricPoint => {
    const of = (value: (step: StepItem) => number): number => steps.reduce((sum, step) => sum + value(step), 0);
    return { step: steps.at(-1)!.step, mean: of(({ metrics }) => metrics?.[name] ?? 0) / of(({ samples }) => samples) };
  };
  return Object.fromEntries([...names].map((name) => [name, stretches.map((steps) => pointOf(steps, name))]));
}
