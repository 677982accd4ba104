/**
 * How a run got where it is, from its ledger: the loss of its steps, thinned out to what a chart can show, and every
 * evaluation. Numbers for people; the ledger's checker is the one who judges.
 */
import { readFile } from 'node:fs/promises';
import { parseLedger, type CommitRecord, type LedgerRecord, type RunConfig } from '@facet/shared';

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
  let text: string;
  try {
    text = await readFile(ledger, 'utf8');
  } catch {
    // A checkpoint that stands alone has no ledger, and a report can do without.
    return undefined;
  }
  return trainingCurve(parseLedger(text).records);
}

/** The curve of a ledger's records; undefined when no step was committed. */
export function trainingCurve(records: readonly LedgerRecord[]): TrainingCurve | undefined {
  const commits = records.filter((record) => record.kind === 'commit');
  if (commits.length === 0) return undefined;
  const stretch = Math.ceil(commits.length / MOST_POINTS);
  const points = Array.from({ length: Math.ceil(commits.length / stretch) }, (_, i) =>
    lossPoint(commits.slice(i * stretch, (i + 1) * stretch)),
  );
  return { steps: commits.length, loss: points, evaluations: records.flatMap(evaluationPoint) };
}

function lossPoint(commits: readonly CommitRecord[]): LossPoint {
  const losses = commits.map(({ loss }) => loss);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return { step: commits.at(-1)!.step, mean, low: Math.min(...losses), high: Math.max(...losses) };
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
