/**
 * Where a report of a checkpoint comes from: when and by which version it was made, and what it is about. The same facts for
 * every kind of report, so that each can be traced back to a training.
 */
import type { TrainedWeights } from '@facet/storage';
import type { Dataset } from '@facet/datasets';
import { storedConfigOf } from './stored-config.js';

/** When a report was made, and by what. */
export interface ReportMaker {
  /** ISO time in UTC. */
  readonly at: string;
  /** Version of Facet, with a hash of its code. */
  readonly version: string;
}

export interface ReportOrigin {
  readonly made: ReportMaker;
  readonly trained: {
    readonly preset: string;
    readonly seed: number;
    /** As many as the training was meant to have. */
    readonly epochs: number;
    /** Numbers that were trained. */
    readonly parameters: number;
    /** When the checkpoint was taken, and by which version. */
    readonly at: string;
    readonly version: string;
  };
  /** Of the dataset's files; of samples that a task brings, the digest of its source. */
  readonly datasetSha256: string;
}

/** The origin of a report on a checkpoint. */
export function originOf(
  checkpoint: TrainedWeights,
  dataset: Pick<Dataset, 'sha256'>,
  made: ReportMaker,
): ReportOrigin {
  const { preset, seed, epochs } = storedConfigOf(checkpoint);
  const { at, codeVersion } = checkpoint.info;
  const parameters = checkpoint.layout.reduce((sum, { length }) => sum + length, 0);
  const trained = { preset, seed, epochs, parameters, at, version: codeVersion };
  return { made, trained, datasetSha256: dataset.sha256 };
}
