/** `facet evaluate` of a run that trained a task of the user's own: its figures as lines, as one JSON object, and as a page. */
import path from 'node:path';
import type { TrainedWeights } from '@facet/storage';
import { wishFor, type EngineWish, type RunConfig } from '@facet/shared';
import { openRunData } from '@facet/task/data';
import type { ReportMaker } from '@facet/lab/data';
import { printJson, printLine, type CliContext } from '../context.js';
import { taskEvaluationLines } from '../display/evaluation.js';
import { writeReport, type ReportFiles } from '../runs/report-files.js';
import { pathsIn } from '../runs/run-folders.js';

export interface OwnTaskEvaluation {
  readonly checkpoint: TrainedWeights;
  readonly config: RunConfig;
  readonly split: RunConfig['evaluation'];
  readonly wish: Partial<EngineWish>;
  readonly threads: number;
  readonly isJson: boolean;
  readonly made: ReportMaker;
  readonly files: ReportFiles;
  readonly warnings: readonly string[];
}

/** Evaluates, prints, and writes the report. */
export async function evaluateOwnTask(asked: OwnTaskEvaluation, { stdout, stderr }: CliContext): Promise<void> {
  const { checkpoint, config, split, wish, threads, isJson, made, files, warnings } = asked;
  const { evaluateTask } = await import('@facet/lab');
  const data = await openRunData(config);
  const { weights, layout } = checkpoint;
  const engine = wishFor(wish, config.engine);
  const evaluation = await evaluateTask({ config, weights, layout, data, split, engine, threads });
  const { makeTaskEvaluationReport, taskEvaluationPage } = await import('@facet/lab/reports');
  // A checkpoint of a run lies two folders below it.
  const { ledger } = pathsIn(path.dirname(path.dirname(checkpoint.path)));
  const report = await makeTaskEvaluationReport({ made, checkpoint, config, ledger, data, split, evaluation });
  const { document, mistakes } = report;
  if (!isJson) {
    const { run, step, weightsSha256 } = document;
    printLine(stdout, `run ${run}, checkpoint ${checkpoint.path}, step ${step}, weights sha256 ${weightsSha256}`);
    for (const line of taskEvaluationLines(document)) printLine(stdout, line);
  }
  const outcome = await writeReport(files, { document, page: taskEvaluationPage(document, mistakes) });
  const late = outcome.ok ? [] : [outcome.warning];
  for (const warning of late) printLine(stderr, `warning: ${warning}`);
  const { file, page } = files;
  if (isJson) {
    printJson(stdout, { ...document, ...(outcome.ok && { file, page }), warnings: [...warnings, ...late] });
  } else if (outcome.ok) {
    printLine(stdout, '');
    printLine(stdout, `report ${page}, numbers ${file}`);
  }
}
