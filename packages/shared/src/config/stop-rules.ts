/**
 * Rules by which a run ends before its last epoch: a figure of an evaluation that is reached, or evaluations without a better one.
 * This file knows how they are written; who decides by them is the coordinator.
 */

export type StopRule =
  | {
      readonly kind: 'goal';
      /** As it was written. */
      readonly text: string;
      /** `accuracy`, `loss`, or a metric of the task. */
      readonly metric: string;
      readonly comparison: '>=' | '<=' | '>' | '<';
      readonly value: number;
    }
  | {
      readonly kind: 'patience';
      readonly text: string;
      /** Evaluations in a row that are no better than the best one before. */
      readonly evaluations: number;
    };

/** How a rule may be written, for messages. */
export const STOP_RULE_EXPECTATION = 'METRIC>=NUMBER, METRIC<=NUMBER (or > and <), or patience=EPOCHS';

const MOST_PATIENCE = 100_000;

/** Reads a rule such as `accuracy>=0.99` or `patience=5`; undefined when it is none. */
export function parseStopRule(text: string): StopRule | undefined {
  const patience = /^\s*patience\s*=\s*([1-9]\d*)\s*$/.exec(text);
  if (patience !== null) {
    const evaluations = Number(patience[1]);
    return evaluations <= MOST_PATIENCE ? { kind: 'patience', text, evaluations } : undefined;
  }
  const goal = /^\s*([A-Za-z][\w.-]*)\s*(>=|<=|>|<)\s*(\S+)\s*$/.exec(text);
  if (goal === null) return undefined;
  const [, metric, comparison, number] = goal as unknown as [string, string, '>=' | '<=' | '>' | '<', string];
  const value = Number(number);
  return Number.isFinite(value) ? { kind: 'goal', text, metric, comparison, value } : undefined;
}

/** Whether a figure meets a goal. */
export function meetsGoal({ comparison, value }: Extract<StopRule, { kind: 'goal' }>, figure: number): boolean {
  switch (comparison) {
    case '>=':
      return figure >= value;
    case '<=':
      return figure <= value;
    case '>':
      return figure > value;
    case '<':
      return figure < value;
    default:
      return comparison satisfies never;
  }
}

interface NamesMetrics {
  readonly stopWhen: readonly string[];
  readonly checkpoint: { readonly best: string };
}

/** The figures that the evaluations of a task have. */
export interface EvaluatedFigures {
  /** The classes that an answer is one of; 0 where answers are no classes, and so not right or wrong. */
  readonly answerClasses: number;
  /** Of the task itself. */
  readonly metricNames: readonly string[];
}

/** What is wrong with the figures that a configuration names, for a task that has these; one sentence each. */
export function metricProblems(config: NamesMetrics, { answerClasses, metricNames }: EvaluatedFigures): string[] {
  const known = [...(answerClasses > 0 ? ['accuracy'] : []), 'loss', ...metricNames];
  return namedMetrics(config)
    .filter(({ metric }) => !known.includes(metric))
    .map(({ key, metric }) => `${key}: an evaluation has no figure '${metric}', expected one of ${known.join(', ')}`);
}

/** The figures of an evaluation that a configuration names, with the key that names each. */
function namedMetrics({
  stopWhen,
  checkpoint,
}: NamesMetrics): readonly { readonly key: string; readonly metric: string }[] {
  const goals = stopWhen.flatMap((text) => {
    const rule = parseStopRule(text);
    return rule?.kind === 'goal' ? [{ key: 'stopWhen', metric: rule.metric }] : [];
  });
  return [...(checkpoint.best === 'auto' ? [] : [{ key: 'checkpoint.best', metric: checkpoint.best }]), ...goals];
}
