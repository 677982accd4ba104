/**
 * How a run got where it is, from its ledger: the loss of its steps, thinned out to what a chart can show, and every
 * evaluation. Numbers for people; the ledger's checker is the one who judges.
 */
import { readLedgerFile, type CommitRecord, type LedgerRecord, type RunConfig } from '@facet/shared';

export interface TrainingCurve {
  /** Committed steps. */
  readonly steps: number;
  /** At most MOST_POINTS stretches of equal length. */
  readonly loss: readonly LossPoint[];
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

export interface EvaluationPoint {
  readonly step: number;
  readonly split: RunConfig['evaluation'];
  readonly accuracy: number;
  readonly loss: number;
}

const MOST_POINTS = 200;

/** The curve in a ledger's file; undefined when there is no such file or no step in it. */
export async function readTrainingCurve(ledger: string): Promise<TrainingCurve | undefined> {
  const curve = new CurveReader();
  try {
    await readLedgerFile(ledger, (record) => {
      curve.add(record);
    });
  } catch {
    // A checkpoint that stands alone has no ledger, and a report can do without.
    return undefined;
  }
  return curve.end();
}

/** The curve of a ledger's records; undefined when no step was committed. */
export function trainingCurve(records: readonly LedgerRecord[]): TrainingCurve | undefined {
  const curve = new CurveReader();
  for (const record of records) curve.add(record);
  return curve.end();
}

/** Keeps of every step no more than a chart needs. */
class CurveReader {
  readonly #steps: StepLoss[] = [];
  readonly #evaluations: EvaluationPoint[] = [];

  add(record: LedgerRecord): void {
    if (record.kind === 'commit') this.#steps.push({ step: record.step, loss: record.loss });
    this.#evaluations.push(...evaluationPoint(record));
  }

  end(): TrainingCurve | undefined {
    const steps = this.#steps;
    if (steps.length === 0) return undefined;
    const stretch = Math.ceil(steps.length / MOST_POINTS);
    const points = Array.from({ length: Math.ceil(steps.length / stretch) }, (_, i) =>
      lossPoint(steps.slice(i * stretch, (i + 1) * stretch)),
    );
    return { steps: steps.length, loss: points, evaluations: this.#evaluations };
  }
}

type StepLoss = Pick<CommitRecord, 'step' | 'loss'>;

function lossPoint(steps: readonly StepLoss[]): LossPoint {
  const losses = steps.map(({ loss }) => loss);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return { step: steps.at(-1)!.step, mean, low: Math.min(...losses), high: Math.max(...losses) };
}

function evaluationPoint(record: LedgerRecord): EvaluationPoint[] {
  if (record.kind === 'evaluation') {
    return [{ step: record.step, split: 'test', accuracy: record.testAccuracy, loss: record.testLoss }];
  }
  if (record.kind === 'held-out-evaluation') {
    return [{ step: record.step, split: 'held-out', accuracy: record.heldOutAccuracy, loss: record.heldOutLoss }];
  }
  return [];
}
