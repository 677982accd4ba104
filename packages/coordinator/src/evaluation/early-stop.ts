/**
 * Decides whether a run ends with the epoch that was just evaluated. The decision is a function of the configuration and of the
 * evaluations in the ledger, so it does not depend on workers, nor on which coordinator makes it. It becomes a change of the
 * number of epochs: from there on the run is one of that many epochs, whose accounting is exact as any other's.
 */
import { meetsGoal, parseStopRule, type Plan, type RunChange, type RunConfig, type StopRule } from '@facet/shared';
import type { EvaluationResult } from './evaluation.js';
import { decidingFigure, figureOf, isBetter } from './best-evaluation.js';

export type StopConfig = Pick<RunConfig, 'stopWhen' | 'checkpoint' | 'changes'>;

/** A change that ends the run, and why. */
export type EarlyStop = RunChange & Required<Pick<RunChange, 'epochs' | 'reason'>>;

/** What is known of a run when it is decided. */
export interface RunSoFar {
  /** In the order of their steps. */
  readonly evaluations: readonly EvaluationResult[];
  readonly committedStep: number;
}

/** The end of the run, if one of its rules says so after the last evaluation and nothing was trained since. */
export function earlyStop(
  config: StopConfig,
  plan: Pick<Plan, 'totalSteps' | 'stepsPerEpoch'>,
  { evaluations, committedStep }: RunSoFar,
): EarlyStop | undefined {
  const last = evaluations.at(-1);
  if (last === undefined || last.step >= plan.totalSteps || committedStep > last.step) return undefined;
  // What came after this step is decided already: it is computed again.
  if (config.changes.some(({ afterStep }) => afterStep >= last.step)) return undefined;
  const epochAt = (step: number): number => step / plan.stepsPerEpoch;
  for (const text of config.stopWhen) {
    const rule = parseStopRule(text);
    const reason = rule && reasonFor(rule, config, evaluations, epochAt);
    if (reason === undefined) continue;
    const [from, to] = [epochAt(plan.totalSteps), epochAt(last.step)];
    return { afterStep: last.step, epochs: { from, to }, reason };
  }
  return undefined;
}

function reasonFor(
  rule: StopRule,
  { checkpoint, changes }: StopConfig,
  evaluations: readonly EvaluationResult[],
  epochAt: (step: number) => number,
): string | undefined {
  const last = evaluations.at(-1)!;
  if (rule.kind === 'goal') {
    const figure = figureOf(last, rule.metric);
    if (figure === undefined || !meetsGoal(rule, figure)) return undefined;
    return `${rule.text}: ${rule.metric} is ${shown(figure)} after epoch ${epochAt(last.step)}`;
  }
  const best = evaluations.reduce((most, one) => (isBetter(one, most, checkpoint) ? one : most));
  // Whoever extends a run wants to see the new epochs before patience ends again.
  const extended = changes.filter(({ epochs }) => epochs !== undefined && epochs.to > epochs.from);
  const since = Math.max(best.step, ...extended.map(({ afterStep }) => afterStep));
  if (evaluations.filter(({ step }) => step > since).length < rule.evaluations) return undefined;
  const name = decidingFigure(best, checkpoint);
  return `${rule.text}: ${name} was best, ${shown(figureOf(best, name) ?? Number.NaN)}, after epoch ${epochAt(best.step)}`;
}

function shown(figure: number): string {
  return String(Number(figure.toPrecision(6)));
}
