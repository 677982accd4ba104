/**
 * The events of a ledger: one for each record that a chart shows. It is asked record by record, and leaves out what earlier
 * files say already, so that a chart has every step once however often its run was continued.
 */
import type { LedgerRecord, RunConfig, TrainingConfig } from '@facet/shared';
import type { RateAt } from '../../evaluation/training-curve.js';
import { FigureReader } from '../figure-reader.js';
import { hparamsOf, shownConfig } from '../run-options.js';
import type { Histogram } from './histogram.js';
import { histogramsEvent, hparamsEndEvent, hparamsEvent, scalarsEvent, textEvent } from './events.js';
import { CONFIGURATION, evaluationScalars, stepScalars, WEIGHTS } from './tags.js';
import type { WrittenEvents } from './written-events.js';

/** What the events need beside the ledger. */
export interface LedgerEventsParts {
  /** Undefined: no learning rate, no options. */
  readonly run: { readonly config: RunConfig; readonly rateAt: RateAt } | undefined;
  /** What the files before have. */
  readonly written: WrittenEvents;
  /** The histograms of the weights of a checkpoint by parameter; undefined where they are not to be had. */
  readonly weightsOf: (checkpoint: {
    readonly step: number;
    readonly weightsSha256: string;
  }) => ReadonlyMap<string, Histogram> | undefined;
  readonly write: (event: Uint8Array) => void;
}

export class LedgerEvents {
  readonly #parts: LedgerEventsParts;
  readonly #reader: FigureReader;
  #steps = 0;
  #evaluations = 0;

  constructor(parts: LedgerEventsParts) {
    const { run, written, write } = parts;
    this.#parts = parts;
    this.#reader = new FigureReader(
      {
        onStep: (figures) => {
          this.#steps += 1;
          if (figures.step > written.lastStep) write(scalarsEvent(figures, stepScalars(figures)));
        },
        onEvaluation: (figures) => {
          this.#evaluations += 1;
          if (!written.evaluations.has(figures.step)) write(scalarsEvent(figures, evaluationScalars(figures)));
        },
      },
      run?.rateAt,
    );
  }

  /** Committed steps and evaluations so far, those of earlier files too. */
  get counts(): { readonly steps: number; readonly evaluations: number } {
    return { steps: this.#steps, evaluations: this.#evaluations };
  }

  /** Takes in the next record. */
  add(record: LedgerRecord): void {
    this.#reader.add(record);
    if (record.kind === 'run') this.#addRun(record.run, record.at);
    if (record.kind === 'checkpoint') this.#addWeights(record);
    if (record.kind === 'end' && record.reason === 'finished') this.#addEnd(record);
  }

  #addRun(name: string, at: string): void {
    const { run, written, write } = this.#parts;
    if (run === undefined || written.hasConfiguration) return;
    const training = shownConfig(run.config);
    write(hparamsEvent({ step: 0, at }, { run: name, hparams: hparamsOf(training) }));
    write(textEvent({ step: 0, at }, CONFIGURATION, configurationText(training)));
    written.hasConfiguration = true;
  }

  #addWeights(record: Extract<LedgerRecord, { kind: 'checkpoint' }>): void {
    const { written, weightsOf, write } = this.#parts;
    if (written.weights.has(record.step)) return;
    const histograms = weightsOf(record);
    if (histograms === undefined || histograms.size === 0) return;
    // A resume may checkpoint a step again.
    written.weights.add(record.step);
    write(
      histogramsEvent(record, new Map([...histograms].map(([name, histogram]) => [`${WEIGHTS}${name}`, histogram]))),
    );
  }

  #addEnd(record: Extract<LedgerRecord, { kind: 'end' }>): void {
    const { run, written, write } = this.#parts;
    if (run === undefined || written.hasEnd) return;
    written.hasEnd = true;
    write(hparamsEndEvent(record));
  }
}

function configurationText(training: TrainingConfig): string {
  return `\`\`\`json\n${JSON.stringify(training, null, 2)}\n\`\`\``;
}
