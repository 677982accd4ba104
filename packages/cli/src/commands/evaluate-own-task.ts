/** `facet evaluate` of a run that trained a task of the user's own: its figures as lines or as one JSON object. */
import type { TrainedWeights } from '@facet/storage';
import { wishFor, visibleText, type EngineWish, type RunConfig } from '@facet/shared';
import { openRunData } from '@facet/task/data';
import type { TaskEvaluation } from '@facet/lab';
import { printJson, printLine, type CliContext } from '../context.js';
import { formatAccuracy, formatCount, formatFigure, intervalText } from '@facet/lab/data';
import { tableLines } from '../display/table.js';

export interface OwnTaskEvaluation {
  readonly checkpoint: TrainedWeights;
  readonly config: RunConfig;
  readonly split: RunConfig['evaluation'];
  readonly wish: Partial<EngineWish>;
  readonly threads: number;
  readonly isJson: boolean;
  readonly warnings: readonly string[];
}

/** Evaluates and prints; nothing is written. */
export async function evaluateOwnTask(asked: OwnTaskEvaluation, { stdout }: CliContext): Promise<void> {
  const { checkpoint, config, split, wish, threads, isJson, warnings } = asked;
  const { evaluateTask } = await import('@facet/lab');
  const data = await openRunData(config);
  const { weights, layout, weightsSha256, path: folder, info } = checkpoint;
  const engine = wishFor(wish, config.engine);
  const evaluation = await evaluateTask({ config, weights, layout, data, split, engine, threads });
  const { run, step } = info;
  if (isJson) {
    const classes = data.classes ?? [];
    printJson(stdout, { run, step, checkpoint: folder, weightsSha256, split, classes, ...evaluation, warnings });
    return;
  }
  printLine(stdout, `run ${run}, checkpoint ${folder}, step ${step}, weights sha256 ${weightsSha256}`);
  for (const line of evaluationLines(evaluation, split, data.classes ?? [])) printLine(stdout, line);
}

function evaluationLines(
  { samples, loss, metrics, accuracy, accuracyInterval, confusion, engine }: TaskEvaluation,
  split: RunConfig['evaluation'],
  classes: readonly string[],
): string[] {
  const right =
    accuracy === undefined
      ? []
      : [`accuracy ${formatAccuracy(accuracy)}, 95 % interval ${intervalText(accuracyInterval!)}`];
  const figures = Object.entries(metrics).map(([name, mean]) => `${visibleText(name)} ${formatFigure(mean)}`);
  const all = [...right, `loss ${formatFigure(loss)}`, ...figures].join(', ');
  const head = `${split} ${all}, on ${formatCount(samples)} samples, by ${engine}`;
  if (confusion === undefined) return [head];
  const names = classes.map((name) => visibleText(name));
  return [
    head,
    '',
    ...tableLines({
      header: ['true \\ answer', ...names],
      right: names.map((_, column) => column + 1),
      rows: confusion.map((row, label) => [names[label] ?? String(label), ...row.map(String)]),
    }),
  ];
}
