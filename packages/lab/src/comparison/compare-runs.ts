/**
 * Runs side by side: what each came to, and in which keys of their configurations they differ. Made from ledgers and
 * configurations alone, so of runs that train as well.
 */
import type { HistoryView, Mapping } from '@facet/shared';
import type { ReportMaker } from '../trained/report-origin.js';

/** What is known of one run. */
export interface RunFacts {
  readonly name: string;
  readonly history: HistoryView;
  /** Its stored configuration; empty where it could not be read. */
  readonly config: Mapping;
}

export interface ComparedRun {
  readonly name: string;
  readonly dataset: string;
  readonly state: 'finished' | 'stopped' | 'failed' | 'open';
  readonly steps: number;
  /** Epochs that are done, with the share of the one that is not. */
  readonly epochs: number;
  /** Of the last stretch of steps. */
  readonly trainLoss: number | undefined;
  readonly last: Evaluated | undefined;
  /** By accuracy, or by the least loss where answers are no classes. */
  readonly best: Evaluated | undefined;
  readonly trainSeconds: number;
  readonly samplesPerSecond: number | undefined;
  readonly faults: number;
  readonly replayedSteps: number;
}

export interface Evaluated {
  readonly step: number;
  readonly split: 'test' | 'held-out';
  readonly accuracy?: number;
  readonly loss: number;
}

/** A key whose values are not the same in all runs; null where a run has none. In the order of the runs. */
export interface Difference {
  readonly key: string;
  readonly values: readonly unknown[];
}

/** The curves of one run over its epochs. */
export interface ComparedCurves {
  readonly name: string;
  readonly loss: readonly CurvePoint[];
  readonly accuracy: readonly CurvePoint[];
  readonly evaluatedLoss: readonly CurvePoint[];
  readonly evaluatedAccuracy: readonly CurvePoint[];
}

export interface CurvePoint {
  /** Epochs. */
  readonly x: number;
  readonly y: number;
}

export interface Comparison {
  readonly made: ReportMaker;
  readonly runs: readonly ComparedRun[];
  readonly differences: readonly Difference[];
  /** Why figures of these runs cannot be compared one to one; one sentence each. */
  readonly cautions: readonly string[];
  readonly curves: readonly ComparedCurves[];
}

/** Keys that say where a run is, not what it is. */
const PLACES = new Set(['run', 'coordinator', 'nats', 'tls', 'worker', 'data', 'metrics']);

/** Compares runs, in the order given. */
export function compareRuns(runs: readonly RunFacts[], made: ReportMaker): Comparison {
  return {
    made,
    runs: runs.map(comparedRun),
    differences: differencesOf(runs.map(({ config }) => config)),
    cautions: cautionsOf(runs),
    curves: runs.map(curvesOf),
  };
}

function comparedRun({ name, history }: RunFacts): ComparedRun {
  const { run, points, evaluations, events, lastStep, trainSeconds, replays, end, stepsPerEpoch } = history;
  const samples = points.reduce((sum, point) => sum + point.samples, 0);
  return {
    name,
    dataset: run?.dataset ?? '',
    state: end ?? 'open',
    steps: lastStep,
    epochs: stepsPerEpoch === 0 ? 0 : lastStep / stepsPerEpoch,
    trainLoss: points.at(-1)?.loss,
    last: evaluations.length === 0 ? undefined : evaluated(evaluations.at(-1)!),
    best: bestOf(history),
    trainSeconds,
    samplesPerSecond: trainSeconds > 0 ? samples / trainSeconds : undefined,
    faults: events.filter(({ kind }) => kind === 'fault').length,
    replayedSteps: replays.steps,
  };
}

function evaluated({ step, split, accuracy, loss }: HistoryView['evaluations'][number]): Evaluated {
  return { step, split, loss, ...(accuracy !== undefined && { accuracy }) };
}

/** The first one among equals. */
export function bestOf({ evaluations }: Pick<HistoryView, 'evaluations'>): Evaluated | undefined {
  const [first, ...others] = evaluations;
  if (first === undefined) return undefined;
  const isBetter = (a: Evaluated, b: Evaluated): boolean =>
    a.accuracy !== undefined && b.accuracy !== undefined ? a.accuracy > b.accuracy : a.loss < b.loss;
  return evaluated(others.reduce((best, each) => (isBetter(each, best) ? each : best), first));
}

function differencesOf(configs: readonly Mapping[]): Difference[] {
  const flat = configs.map((config) => new Map(flatten(config)));
  const keys = [...new Set(flat.flatMap((of) => [...of.keys()]))].sort();
  return keys.flatMap((key) => {
    const values = flat.map((of) => of.get(key) ?? null);
    const [first, ...rest] = values.map((value) => JSON.stringify(value));
    return rest.every((value) => value === first) ? [] : [{ key, values }];
  });
}

/** Values by their path, such as `optimizer.peakLearningRate`; a list is one value. */
function flatten(config: Mapping, prefix = ''): [string, unknown][] {
  return Object.entries(config).flatMap(([key, value]): [string, unknown][] => {
    if (prefix === '' && PLACES.has(key)) return [];
    const path = `${prefix}${key}`;
    return isMapping(value) ? flatten(value, `${path}.`) : [[path, value]];
  });
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cautionsOf(runs: readonly RunFacts[]): string[] {
  const distinct = (of: (run: RunFacts) => string | undefined): string[] => [
    ...new Set(runs.flatMap((run) => of(run) ?? [])),
  ];
  const datasets = distinct(({ history }) => history.run?.dataset);
  const splits = distinct(({ history }) => history.evaluations.at(-1)?.split);
  const sizes = distinct(({ history }) => history.run && String(history.run.trainSamples));
  const open = runs.filter(({ history }) => history.end !== 'finished').map(({ name }) => name);
  return [
    ...(datasets.length > 1 ? [`They are trained on different datasets: ${datasets.join(', ')}.`] : []),
    ...(splits.length > 1 ? [`They are evaluated on different splits: ${splits.join(', ')}.`] : []),
    ...(datasets.length === 1 && sizes.length > 1
      ? [`An epoch has different numbers of samples: ${sizes.join(', ')}.`]
      : []),
    ...(open.length > 0 && open.length < runs.length ? [`Not finished: ${open.join(', ')}.`] : []),
  ];
}

function curvesOf({ name, history: { points, evaluations, stepsPerEpoch } }: RunFacts): ComparedCurves {
  const x = (step: number): number => step / Math.max(stepsPerEpoch, 1);
  const curve = <P>(of: readonly P[], step: (point: P) => number, y: (point: P) => number | undefined): CurvePoint[] =>
    of.flatMap((point) => {
      const value = y(point);
      return value === undefined ? [] : [{ x: x(step(point)), y: value }];
    });
  const lastStepOf = ({ lastStep }: (typeof points)[number]): number => lastStep;
  const stepOf = ({ step }: (typeof evaluations)[number]): number => step;
  return {
    name,
    loss: curve(points, lastStepOf, ({ loss }) => loss),
    accuracy: curve(points, lastStepOf, ({ accuracy }) => accuracy),
    evaluatedLoss: curve(evaluations, stepOf, ({ loss }) => loss),
    evaluatedAccuracy: curve(evaluations, stepOf, ({ accuracy }) => accuracy),
  };
}
