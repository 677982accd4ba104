/**
 * Runs planned attacks against an oracle and says how they went; also the curve over the size of the ball.
 */
import type { Norm } from '@facet/multiview/config';
import {
  type Oracle,
  attackByGradient,
  attackBySquares,
  type AttackProgress,
  type AttackResult,
  type AttackSamples,
  stepSizeFor,
  type PlannedAttack,
} from '@facet/multiview';
import type { AttackReport, EpsCurve } from './report.js';

/** What every attack of an evaluation shares. */
export interface AttackContext {
  readonly oracle: Oracle;
  readonly samples: AttackSamples;
  readonly seed: number;
  readonly onProgress: (stage: string, progress: AttackProgress) => void;
}

export interface FinishedAttack {
  readonly report: AttackReport;
  readonly result: AttackResult;
}

export async function runAttack(
  context: AttackContext,
  { name, norm, eps, method }: PlannedAttack,
): Promise<FinishedAttack> {
  const { oracle, samples, seed } = context;
  const startedAt = performance.now();
  const onProgress = (progress: AttackProgress): void => {
    context.onProgress(`${name} ${norm} ${formatEps(eps)}`, progress);
  };
  const shared = { threat: { norm, eps }, seed, onProgress };
  const result =
    method.kind === 'square'
      ? await attackBySquares(oracle, samples, { ...shared, queries: method.queries })
      : await attackByGradient(oracle, samples, { ...shared, ...method });
  const meanMargin = result.margins.reduce((sum, margin) => sum + margin, 0) / result.margins.length;
  const seconds = (performance.now() - startedAt) / 1000;
  return { report: { name, norm, eps, method, accuracy: accuracyOf(result), meanMargin, seconds }, result };
}

/** Share of samples that an attack left correct. */
export function accuracyOf({ isBroken }: Pick<AttackResult, 'isBroken'>): number {
  return 1 - isBroken.reduce((sum, broken) => sum + broken, 0) / isBroken.length;
}

/** Sizes of the ball, relative to the one of the protocol. */
const CURVE_FACTORS = [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2];
const CURVE_STEPS = 20;

export interface CurveOptions {
  readonly norm: Norm;
  /** The size of the ball that the others are fractions and multiples of. */
  readonly eps: number;
  readonly cleanAccuracy: number;
}

/** Attacks at growing sizes. What fell in a smaller ball has fallen in every larger one and is not attacked again. */
export async function measureCurve(
  context: AttackContext,
  { norm, eps, cleanAccuracy }: CurveOptions,
): Promise<EpsCurve> {
  const points = [{ eps: 0, accuracy: cleanAccuracy }];
  const total = context.samples.labels.length;
  let left = context.samples;
  for (const size of CURVE_FACTORS.map((factor) => factor * eps)) {
    if (norm === 'linf' && size > 1) break;
    if (left.labels.length > 0) {
      const { isBroken } = await attackByGradient(context.oracle, left, {
        threat: { norm, eps: size },
        loss: 'margin',
        steps: CURVE_STEPS,
        stepSize: stepSizeFor(size, CURVE_STEPS),
        restarts: 1,
        start: 'random',
        seed: context.seed,
        onProgress: (progress) => {
          context.onProgress(`curve ${norm} ${formatEps(size)}`, progress);
        },
      });
      left = samplesWhere(left, (i) => isBroken[i] === 0);
    }
    points.push({ eps: size, accuracy: left.labels.length / total });
  }
  return { norm, steps: CURVE_STEPS, points };
}

function samplesWhere({ ids, labels, images }: AttackSamples, keeps: (i: number) => boolean): AttackSamples {
  const pixels = images.length / labels.length;
  return {
    ids: ids.filter((_, i) => keeps(i)),
    labels: labels.filter((_, i) => keeps(i)),
    images: images.filter((_, at) => keeps(Math.floor(at / pixels))),
  };
}

function formatEps(eps: number): string {
  return String(Number(eps.toPrecision(3)));
}
