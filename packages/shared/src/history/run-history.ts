/**
 * How a run got where it is: its steps, thinned out to what a chart can show, every evaluation, and what happened. It grows with
 * the run but stays bounded: a stretch of steps becomes twice as long when there are too many of them. The same items make the
 * same history, whether they come one by one from a run that trains or from the ledger of a finished one. It runs in a browser
 * too, so it is pure.
 */
import { stepsPerEpoch } from '../plan/steps-per-epoch.js';
import type { EvaluationItem, EventItem, HistoryItem, RunItem, StepItem, StepParts } from './history-item.js';

/** Steps from `firstStep` to `lastStep` taken together. */
export interface HistoryPoint {
  readonly firstStep: number;
  readonly lastStep: number;
  /** Mean over the steps. */
  readonly loss: number;
  readonly lowestLoss: number;
  readonly highestLoss: number;
  readonly samples: number;
  /** Share of right answers; undefined if the ledger does not say it of every step. */
  readonly accuracy?: number;
  /** Means of the task's own figures over the samples, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Samples by training time; undefined if the ledger does not say the time of every step. */
  readonly samplesPerSecond?: number;
  /** Mean over those steps that say it. */
  readonly gradientNorm?: number;
  /** Mean milliseconds over those steps that say it. */
  readonly partsMs?: StepParts;
  readonly bytes: number;
  /** Of the last step. */
  readonly generation: number;
  readonly at: string;
}

/** What is known of a run. Plain data: it may be sent as JSON. */
export interface HistoryView {
  readonly run: Omit<RunItem, 'kind'> | undefined;
  /** Steps of an epoch; 0 while the run is unknown. */
  readonly stepsPerEpoch: number;
  /** Of the whole run, with what was changed since. */
  readonly epochs: number;
  readonly lastStep: number;
  readonly points: readonly HistoryPoint[];
  readonly evaluations: readonly EvaluationItem[];
  readonly events: readonly EventItem[];
  /** Events in the middle that were left out, so that the history stays bounded. */
  readonly eventsLeftOut: number;
  /** Steps that were computed again, and the training time that it took. */
  readonly replays: { readonly steps: number; readonly seconds: number };
  /** Training time without evaluation, in seconds. */
  readonly trainSeconds: number;
  readonly end: 'finished' | 'stopped' | 'failed' | undefined;
}

/** All that a history knows, as plain data: with it another process goes on with the same history. */
export interface HistoryState {
  readonly mostPoints: number;
  readonly run: HistoryView['run'];
  readonly epochs: number;
  readonly width: number;
  readonly stretches: readonly Stretch[];
  readonly lastStep: number;
  readonly evaluations: readonly EvaluationItem[];
  readonly firstEvents: readonly EventItem[];
  readonly lastEvents: readonly EventItem[];
  readonly eventsLeftOut: number;
  readonly replays: HistoryView['replays'];
  readonly trainSeconds: number;
  readonly end: HistoryView['end'];
}

interface Stretch {
  readonly firstStep: number;
  lastStep: number;
  steps: number;
  lossSum: number;
  lowestLoss: number;
  highestLoss: number;
  samples: number;
  countedSamples: number;
  correct: number;
  metrics: Record<string, number>;
  timedSamples: number;
  seconds: number;
  normedSteps: number;
  normSum: number;
  partedSteps: number;
  parts: StepParts;
  bytes: number;
  generation: number;
  at: string;
}

const MOST_POINTS = 400;
const MOST_EVALUATIONS = 5_000;
/** Of which half are the first ones: what began it is not forgotten. */
const MOST_EVENTS = 2_000;
const NO_PARTS: StepParts = { shardWait: 0, compute: 0, allReduce: 0, update: 0 };

export class RunHistory {
  readonly #mostPoints: number;
  #run: Omit<RunItem, 'kind'> | undefined;
  #epochs = 0;
  #width = 1;
  #stretches: Stretch[] = [];
  #lastStep = 0;
  #evaluations: EvaluationItem[] = [];
  readonly #firstEvents: EventItem[] = [];
  #lastEvents: EventItem[] = [];
  #eventsLeftOut = 0;
  #replays = 0;
  #replaySeconds = 0;
  #trainSeconds = 0;
  #end: HistoryView['end'];

  /** @param mostPoints how many points there may be; the last half of them at least is used */
  constructor({ mostPoints = MOST_POINTS }: { readonly mostPoints?: number } = {}) {
    this.#mostPoints = mostPoints;
  }

  /** The history with this state; it shares nothing with it. */
  static from(state: HistoryState): RunHistory {
    const history = new RunHistory({ mostPoints: state.mostPoints });
    history.#run = state.run;
    history.#epochs = state.epochs;
    history.#width = state.width;
    history.#stretches = state.stretches.map(copyOf);
    history.#lastStep = state.lastStep;
    history.#evaluations = [...state.evaluations];
    history.#firstEvents.push(...state.firstEvents);
    history.#lastEvents = [...state.lastEvents];
    history.#eventsLeftOut = state.eventsLeftOut;
    history.#replays = state.replays.steps;
    history.#replaySeconds = state.replays.seconds;
    history.#trainSeconds = state.trainSeconds;
    history.#end = state.end;
    return history;
  }

  /** What `from` goes on with. */
  state(): HistoryState {
    return {
      mostPoints: this.#mostPoints,
      run: this.#run,
      epochs: this.#epochs,
      width: this.#width,
      stretches: this.#stretches.map(copyOf),
      lastStep: this.#lastStep,
      evaluations: this.#evaluations,
      firstEvents: [...this.#firstEvents],
      lastEvents: this.#lastEvents,
      eventsLeftOut: this.#eventsLeftOut,
      replays: { steps: this.#replays, seconds: this.#replaySeconds },
      trainSeconds: this.#trainSeconds,
      end: this.#end,
    };
  }

  /** Takes in the next item. */
  add(item: HistoryItem): void {
    switch (item.kind) {
      case 'run': {
        const { kind: _kind, ...run } = item;
        this.#run = run;
        this.#epochs = run.epochs;
        break;
      }
      case 'step':
        this.#addStep(item);
        break;
      case 'evaluation':
        // Computed again, it comes to the same.
        if (!this.#evaluations.some(({ step, split }) => step === item.step && split === item.split)) {
          this.#evaluations = [...this.#evaluations.slice(-(MOST_EVALUATIONS - 1)), item];
        }
        break;
      case 'replay':
        this.#replays += 1;
        this.#replaySeconds += item.seconds ?? 0;
        this.#trainSeconds += item.seconds ?? 0;
        break;
      default:
        this.#addEvent(item);
    }
  }

  /** The history so far. */
  view(): HistoryView {
    return {
      run: this.#run,
      stepsPerEpoch: this.#run === undefined ? 0 : stepsPerEpoch(this.#run),
      epochs: this.#epochs,
      lastStep: this.#lastStep,
      points: this.#stretches.map(pointOf),
      evaluations: this.#evaluations,
      events: [...this.#firstEvents, ...this.#lastEvents],
      eventsLeftOut: this.#eventsLeftOut,
      replays: { steps: this.#replays, seconds: this.#replaySeconds },
      trainSeconds: this.#trainSeconds,
      end: this.#end,
    };
  }

  #addStep(item: StepItem): void {
    // A page that reconnects may hear of a step twice.
    if (item.step <= this.#lastStep) return;
    this.#lastStep = item.step;
    this.#trainSeconds += item.seconds ?? 0;
    const stretch = stretchOf(item);
    const last = this.#stretches.at(-1);
    if (last !== undefined && this.#placeOf(last) === this.#placeOf(stretch)) {
      merge(last, stretch);
      return;
    }
    this.#stretches.push(stretch);
    if (this.#stretches.length > this.#mostPoints) this.#widen();
  }

  /** The stretch that a step belongs to, counted from 0. */
  #placeOf({ firstStep }: Stretch): number {
    return Math.floor((firstStep - 1) / this.#width);
  }

  #widen(): void {
    this.#width *= 2;
    const wider: Stretch[] = [];
    for (const stretch of this.#stretches) {
      const last = wider.at(-1);
      if (last !== undefined && this.#placeOf(last) === this.#placeOf(stretch)) merge(last, stretch);
      else wider.push(stretch);
    }
    this.#stretches = wider;
  }

  #addEvent(item: EventItem): void {
    if (item.kind === 'change') this.#epochs = item.change.epochs?.to ?? this.#epochs;
    if (item.kind === 'end') this.#end = item.reason;
    if (item.kind === 'resume') this.#end = undefined;
    if (this.#firstEvents.length < MOST_EVENTS / 2) {
      this.#firstEvents.push(item);
      return;
    }
    this.#lastEvents.push(item);
    if (this.#lastEvents.length <= MOST_EVENTS / 2) return;
    this.#eventsLeftOut += 1;
    this.#lastEvents = this.#lastEvents.slice(1);
  }
}

function stretchOf(item: StepItem): Stretch {
  const { step, generation, samples, loss, correct, metrics, seconds, bytes = 0, gradientNorm, partsMs, at } = item;
  return {
    ...{ firstStep: step, lastStep: step, steps: 1, lossSum: loss, lowestLoss: loss, highestLoss: loss },
    ...{ samples, countedSamples: correct === undefined ? 0 : samples, correct: correct ?? 0 },
    metrics: { ...metrics },
    ...{ timedSamples: seconds === undefined ? 0 : samples, seconds: seconds ?? 0 },
    ...{ normedSteps: gradientNorm === undefined ? 0 : 1, normSum: gradientNorm ?? 0 },
    ...{ partedSteps: partsMs === undefined ? 0 : 1, parts: partsMs ?? NO_PARTS },
    ...{ bytes, generation, at },
  };
}

function copyOf(stretch: Stretch): Stretch {
  return { ...stretch, metrics: { ...stretch.metrics } };
}

/** Adds a later stretch to one. */
function merge(into: Stretch, later: Stretch): void {
  into.lastStep = later.lastStep;
  into.steps += later.steps;
  into.lossSum += later.lossSum;
  into.lowestLoss = Math.min(into.lowestLoss, later.lowestLoss);
  into.highestLoss = Math.max(into.highestLoss, later.highestLoss);
  into.samples += later.samples;
  into.countedSamples += later.countedSamples;
  into.correct += later.correct;
  for (const [name, sum] of Object.entries(later.metrics)) into.metrics[name] = (into.metrics[name] ?? 0) + sum;
  into.timedSamples += later.timedSamples;
  into.seconds += later.seconds;
  into.normedSteps += later.normedSteps;
  into.normSum += later.normSum;
  into.partedSteps += later.partedSteps;
  into.parts = mapParts((part) => into.parts[part] + later.parts[part]);
  into.bytes += later.bytes;
  into.generation = later.generation;
  into.at = later.at;
}

function pointOf(stretch: Stretch): HistoryPoint {
  const { firstStep, lastStep, steps, lossSum, lowestLoss, highestLoss, samples } = stretch;
  const { countedSamples, correct, metrics, timedSamples, seconds } = stretch;
  const { normedSteps, normSum, partedSteps, parts, bytes, generation, at } = stretch;
  return {
    ...{ firstStep, lastStep, loss: lossSum / steps, lowestLoss, highestLoss, samples },
    ...(countedSamples === samples && { accuracy: correct / samples }),
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, sum]) => [name, sum / samples])),
    ...(timedSamples === samples && seconds > 0 && { samplesPerSecond: samples / seconds }),
    ...(normedSteps > 0 && { gradientNorm: normSum / normedSteps }),
    ...(partedSteps > 0 && { partsMs: mapParts((part) => parts[part] / partedSteps) }),
    ...{ bytes, generation, at },
  };
}

function mapParts(of: (part: keyof StepParts) => number): StepParts {
  return { shardWait: of('shardWait'), compute: of('compute'), allReduce: of('allReduce'), update: of('update') };
}
