/** Which of two evaluations is the better one: by a figure and a direction that the configuration chooses. */
import type { RunConfig } from '@facet/shared';
import type { EvaluationResult } from './evaluation.js';

/** The part of a configuration that chooses. */
export type BestChoice = Pick<RunConfig['checkpoint'], 'best' | 'bestMode'>;

/** More right answers, or a smaller loss where answers are no classes. */
export const AUTOMATIC: BestChoice = { best: 'auto', bestMode: 'auto' };

type Figures = Pick<EvaluationResult, 'accuracy' | 'loss' | 'metrics'>;

/** A figure of an evaluation by its name; undefined when it has none of that name. */
export function figureOf({ accuracy, loss, metrics }: Figures, name: string): number | undefined {
  if (name === 'accuracy') return accuracy;
  return name === 'loss' ? loss : Object.hasOwn(metrics, name) ? metrics[name] : undefined;
}

/** The figure that decides between evaluations like this one. */
export function decidingFigure(figures: Figures, { best }: BestChoice): string {
  if (best !== 'auto') return best;
  return figures.accuracy === undefined ? 'loss' : 'accuracy';
}

/** Whether one evaluation is better than another; equal ones are not. One without the figure is never better. */
export function isBetter(one: Figures, other: Figures, choice: BestChoice): boolean {
  const name = decidingFigure(one, choice);
  const [first, second] = [figureOf(one, name), figureOf(other, name)];
  if (first === undefined) return false;
  if (second === undefined) return true;
  const isLargest = choice.bestMode === 'max' || (choice.bestMode === 'auto' && name !== 'loss');
  return isLargest ? first > second : first < second;
}
