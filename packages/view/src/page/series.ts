/** From a run's history to the columns of charts. Pure: it draws nothing. */
import type { EvaluationItem, StepParts } from '../../../shared/src/history/history-item.js';
import type { HistoryPoint, HistoryView } from '../../../shared/src/history/run-history.js';

/** Values over steps; null where there is none. */
export interface Curve {
  readonly label: string;
  /** Ascending. */
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
  /** What is said of it in words, if that is not what is drawn: the heights of areas that stand on each other. */
  readonly own?: readonly (number | null)[];
  /** Colour, from 1. */
  readonly colour: number;
  readonly look: 'line' | 'points' | 'faint' | 'area' | 'dashed' | 'edge';
}

export interface ChartData {
  /** Names the chart, also for whoever links to it. */
  readonly key: string;
  readonly title: string;
  readonly unit: 'figure' | 'percent' | 'ms' | 'rate';
  readonly curves: readonly Curve[];
  /** Whether a logarithmic scale says something. */
  readonly canBeLog: boolean;
  /** Pairs of curves, upper and lower, between which is filled; by place in `curves`. */
  readonly bands: readonly (readonly [number, number])[];
}

export interface ChartOptions {
  /** Weight of what came before, from 0 (nothing is smoothed) to below 1. */
  readonly smoothing: number;
  /** Other runs to compare with. */
  readonly others: ReadonlyMap<string, HistoryView>;
}

const PARTS: readonly (readonly [keyof StepParts, string])[] = [
  ['compute', 'compute'],
  ['allReduce', 'all-reduce'],
  ['update', 'update'],
  ['shardWait', 'wait for samples'],
];
const SPLITS = { test: 'test', 'held-out': 'held-out' } as const;
/** Of curves of other runs; the run itself has the first ones. */
const OTHERS_COLOUR = 4;
/** Of rates. */
const LEAST_SMOOTHING = 0.5;
const COLOURS = 6;

/** The charts that the history has something for. */
export function chartsOf(view: HistoryView, options: ChartOptions): readonly ChartData[] {
  const names = new Set([
    ...view.points.flatMap(({ metrics }) => Object.keys(metrics)),
    ...view.evaluations.flatMap(({ metrics = {} }) => Object.keys(metrics)),
  ]);
  const charts: readonly ChartData[] = [
    lossChart(view, options),
    qualityChart('accuracy', 'Accuracy', 'percent', {
      ...{ view, options, ofPoint: (point) => point.accuracy, ofEvaluation: (evaluation) => evaluation.accuracy },
    }),
    throughputChart(view, options),
    partsChart(view),
    {
      ...plainChart('gradient-norm', 'Norm of the gradient', 'figure', {
        ...{ view, options, of: (point: HistoryPoint) => point.gradientNorm },
      }),
      canBeLog: true,
    },
    ...[...names].map((name) =>
      qualityChart(`metric-${name}`, name, 'figure', {
        ...{ view, options, ofPoint: (point) => point.metrics[name] },
        ofEvaluation: ({ metrics }) => metrics?.[name],
      }),
    ),
  ];
  return charts
    .map((chart) => ({ ...chart, curves: chart.curves.filter(({ values }) => values.some((value) => value !== null)) }))
    .filter(({ curves }) => curves.length > 0);
}

function lossChart(view: HistoryView, options: ChartOptions): ChartData {
  const loss = pointCurve(view, 'training', (point) => point.loss);
  const isThinned = view.points.some(({ firstStep, lastStep }) => firstStep !== lastStep);
  const edges: Curve[] = isThinned
    ? [
        { ...pointCurve(view, 'highest', (point) => point.highestLoss), look: 'edge' },
        { ...pointCurve(view, 'lowest', (point) => point.lowestLoss), look: 'edge' },
      ]
    : [];
  const curves = [
    ...edges,
    ...smoothedCurves(loss, options.smoothing),
    ...evaluationCurves(view, (evaluation) => evaluation.loss),
    ...otherCurves(options, (other) => pointCurve(other, '', (point) => point.loss)),
  ];
  return { key: 'loss', title: 'Loss', unit: 'figure', curves, canBeLog: true, bands: isThinned ? [[0, 1]] : [] };
}

interface QualitySource {
  readonly view: HistoryView;
  readonly options: ChartOptions;
  readonly ofPoint: (point: HistoryPoint) => number | undefined;
  readonly ofEvaluation: (evaluation: EvaluationItem) => number | undefined;
}

function qualityChart(key: string, title: string, unit: ChartData['unit'], source: QualitySource): ChartData {
  const { view, options, ofPoint, ofEvaluation } = source;
  const curves = [
    ...smoothedCurves(pointCurve(view, 'training', ofPoint), options.smoothing),
    ...evaluationCurves(view, ofEvaluation),
    ...otherCurves(options, (other) => evaluationCurves(other, ofEvaluation)[0] ?? pointCurve(other, '', ofPoint)),
  ];
  return { key, title, unit, curves, canBeLog: false, bands: [] };
}

interface PlainSource {
  readonly view: HistoryView;
  readonly options: ChartOptions;
  readonly of: (point: HistoryPoint) => number | undefined;
}

function plainChart(
  key: string,
  title: string,
  unit: ChartData['unit'],
  { view, options, of }: PlainSource,
): ChartData {
  const curves = [
    ...smoothedCurves(pointCurve(view, 'training', of), options.smoothing),
    ...otherCurves(options, (other) => pointCurve(other, '', of)),
  ];
  return { key, title, unit, curves, canBeLog: false, bands: [] };
}

/**
 * Samples by time, both smoothed: a step that was waiting while the one before it was reported seems to take no time, so that a
 * mean of rates says nothing.
 */
function throughputChart(view: HistoryView, options: ChartOptions): ChartData {
  const curveOf = ({ points }: HistoryView, label: string): Curve => {
    const timed = points.filter(({ samplesPerSecond }) => samplesPerSecond !== undefined);
    const samples = timed.map((point) => point.samples);
    const seconds = timed.map((point) => point.samples / point.samplesPerSecond!);
    const [work, time] = [samples, seconds].map((values) =>
      smooth(values, Math.max(options.smoothing, LEAST_SMOOTHING)),
    );
    return {
      ...{ label, colour: 1, look: 'line' },
      steps: timed.map(({ lastStep }) => lastStep),
      values: work!.map((value, place) => finite(value! / time![place]!)),
    };
  };
  const curves = [curveOf(view, 'training'), ...otherCurves(options, (other) => curveOf(other, ''))];
  return { key: 'throughput', title: 'Throughput, samples/s', unit: 'rate', curves, canBeLog: false, bands: [] };
}

/** Each part stands on the ones before it, so that the highest edge is their sum. */
function partsChart({ points }: HistoryView): ChartData {
  const known = points.filter(({ partsMs }) => partsMs !== undefined);
  const steps = known.map(({ lastStep }) => lastStep);
  const sums = known.map(() => 0);
  const curves = PARTS.map(([part, label], index): Curve => {
    const values = known.map(({ partsMs }, place) => (sums[place] = (sums[place] ?? 0) + (partsMs?.[part] ?? 0)));
    const own = known.map(({ partsMs }) => finite(partsMs?.[part]));
    return { label, steps, values, own, colour: index + 1, look: 'area' };
  });
  // The highest first: the ones below are drawn over it.
  return {
    key: 'parts',
    title: 'Time of a step, ms',
    unit: 'ms',
    curves: curves.toReversed(),
    canBeLog: false,
    bands: [],
  };
}

function pointCurve({ points }: HistoryView, label: string, of: (point: HistoryPoint) => number | undefined): Curve {
  return {
    ...{ label, colour: 1, look: 'line' },
    steps: points.map(({ lastStep }) => lastStep),
    values: points.map((point) => finite(of(point))),
  };
}

/** The curve smoothed, over the curve as it is. */
function smoothedCurves(curve: Curve, smoothing: number): readonly Curve[] {
  if (smoothing === 0) return [curve];
  return [
    { ...curve, label: `${curve.label}, raw`, look: 'faint' },
    { ...curve, values: smooth(curve.values, smoothing) },
  ];
}

function evaluationCurves(
  { evaluations }: HistoryView,
  of: (evaluation: EvaluationItem) => number | undefined,
): readonly Curve[] {
  return (['test', 'held-out'] as const).flatMap((split, index) => {
    const own = evaluations.filter((evaluation) => evaluation.split === split).toSorted((a, b) => a.step - b.step);
    const curve: Curve = {
      ...{ label: SPLITS[split], colour: index + 2, look: 'points' },
      steps: own.map(({ step }) => step),
      values: own.map((evaluation) => finite(of(evaluation))),
    };
    return curve.values.some((value) => value !== null) ? [curve] : [];
  });
}

function otherCurves({ others }: ChartOptions, of: (other: HistoryView) => Curve): readonly Curve[] {
  return [...others].map(([name, view], index) => ({
    ...of(view),
    ...{ label: name, look: 'dashed', colour: ((OTHERS_COLOUR - 1 + index) % COLOURS) + 1 },
  }));
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/**
 * Exponential moving average without the pull of its start to 0 (as Adam corrects its moments): the first value is the first
 * value.
 */
export function smooth(values: readonly (number | null)[], weight: number): readonly (number | null)[] {
  let sum = 0;
  let share = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return sum / share;
  });
}

/** The curves as they are said in words. */
export function inWords(curves: readonly Curve[]): readonly Curve[] {
  return curves.map(({ own, ...curve }) => (own === undefined ? curve : { ...curve, values: own }));
}

/** Curves over one common row of steps, as uPlot takes them. */
export function joined(curves: readonly Curve[]): [number[], ...(number | null | undefined)[][]] {
  const steps = [...new Set(curves.flatMap((curve) => curve.steps))].toSorted((a, b) => a - b);
  const places = new Map(steps.map((step, place) => [step, place]));
  const columns = curves.map((curve) => {
    const column = new Array<number | null | undefined>(steps.length).fill(undefined);
    curve.steps.forEach((step, index) => (column[places.get(step)!] = curve.values[index]));
    return column;
  });
  return [steps, ...columns];
}

/** What a chart shows, in one sentence or two, for whoever does not see it. */
export function summaryOf({ curves, bands }: ChartData, format: (value: number) => string): string {
  const hidden = new Set(bands.flat());
  const sentences = curves.flatMap((curve, place) => {
    if (hidden.has(place) || curve.look === 'faint') return [];
    const known = curve.steps.flatMap((step, index) => {
      const value = (curve.own ?? curve.values)[index];
      return value === null || value === undefined ? [] : [{ step, value }];
    });
    const [first, last] = [known[0], known.at(-1)];
    if (first === undefined || last === undefined) return [];
    if (first === last) return [`${curve.label}: ${format(first.value)} at step ${first.step}`];
    return [`${curve.label}: ${format(first.value)} at step ${first.step}, ${format(last.value)} at step ${last.step}`];
  });
  return sentences.join('; ');
}
