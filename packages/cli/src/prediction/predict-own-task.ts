/**
 * `facet predict` with a task of the user's own: image files where the model takes one image, a table where it was trained on one.
 * The answers to a table are CSV again, on stdout and with nothing else there.
 */
import type { TrainedWeights } from '@facet/storage';
import { formatAccuracy, formatFigure } from '@facet/lab/data';
import type { LoadedModel, SampleAnswer, StoredModel } from '@facet/lab';
import { describeFields, TrainingError, visibleLine, visibleText, type EngineWish } from '@facet/shared';
import { printJson, printLine, type CliContext } from '../context.js';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { answerCells, answerColumns, answerJson, csvLine } from './answer-text.js';

export interface OwnPrediction {
  readonly checkpoint: TrainedWeights;
  readonly model: StoredModel;
  /** Files, or folders of images. */
  readonly paths: readonly string[];
  readonly wish: Partial<EngineWish>;
  readonly threads: number;
  readonly isJson: boolean;
  readonly warnings: readonly string[];
}

/**
 * @throws TrainingError CONFIG_INVALID when files cannot be what the model takes, or another engine is asked for; as `openModel`
 *   and `readRows`.
 */
export async function predictOwnTask(asked: OwnPrediction, context: CliContext): Promise<ExitCode> {
  requireProcessor(asked.wish);
  const { imageOf, openModel } = await import('@facet/lab');
  const model = await openModel(asked.model, { threads: asked.threads });
  try {
    const { table } = asked.model.samples;
    if (table !== undefined && 'features' in model.fields) return await predictRows(asked, model, context);
    if (imageOf(model.fields) !== undefined) return await predictImages(asked, model, context);
    throw new TrainingError(
      'CONFIG_INVALID',
      `the task ${model.task} takes ${describeFields(model.fields)}, expected one image or the columns of a table: files cannot be that; use loadModel of facet-train in a program, or \`facet export\``,
    );
  } finally {
    await model.close();
  }
}

/** @throws TrainingError CONFIG_INVALID */
function requireProcessor({ name = 'auto', device = 'auto' }: Partial<EngineWish>): void {
  const isRight = (name === 'auto' || name === 'onnxruntime') && (device === 'auto' || device === 'cpu');
  if (isRight) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `--engine ${name} --device ${device}: a task of your own predicts with onnxruntime on cpu; leave the flags out`,
  );
}

function factsOf({ checkpoint }: OwnPrediction): object {
  const { path: folder, weightsSha256, info } = checkpoint;
  return { run: info.run, step: info.step, checkpoint: folder, weightsSha256 };
}

function headLine({ checkpoint }: OwnPrediction): string {
  return `run ${checkpoint.info.run}, checkpoint ${checkpoint.path}, step ${checkpoint.info.step}`;
}

async function predictRows(
  asked: OwnPrediction,
  model: LoadedModel,
  { stdout, stderr }: CliContext,
): Promise<ExitCode> {
  const { predictTable } = await import('@facet/lab');
  const [file, ...others] = asked.paths;
  if (file === undefined || others.length > 0) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `${asked.paths.length} files, expected one table for the task ${model.task}`,
    );
  }
  const answers = await predictTable(model, asked.model.samples.table!, file);
  if (asked.isJson) {
    const rows = answers.map((answer, at) => ({ row: at + 1, ...answerJson(answer, model.classes) }));
    printJson(stdout, { ...factsOf(asked), file, rows, warnings: asked.warnings });
    return EXIT.ok;
  }
  printLine(stderr, headLine(asked));
  printLine(stdout, csvLine(['row', ...answerColumns(answers[0], model.classes)]));
  answers.forEach((answer, at) => {
    printLine(stdout, csvLine([String(at + 1), ...answerCells(answer, model.classes)]));
  });
  return EXIT.ok;
}

async function predictImages(
  asked: OwnPrediction,
  model: LoadedModel,
  { stdout, stderr }: CliContext,
): Promise<ExitCode> {
  const { predictImageFiles } = await import('@facet/lab');
  const found = await predictImageFiles(model, asked.paths);
  const failed = found.filter(({ ok }) => !ok).length;
  for (const each of found) {
    if (!each.ok) printLine(stderr, visibleLine(`error [${each.error.code}]: ${each.error.message}`));
  }
  if (asked.isJson) {
    const images = found.map((each) =>
      each.ok
        ? { file: each.file, ok: true, ...answerJson(each.answer, model.classes) }
        : { file: each.file, ok: false, error: { code: each.error.code, message: each.error.message } },
    );
    printJson(stdout, { ...factsOf(asked), images, failed, warnings: asked.warnings });
  } else {
    printLine(stdout, headLine(asked));
    const rows = found.flatMap((each) => (each.ok ? [[each.file, ...shownCells(each.answer, model.classes)]] : []));
    const header = model.isClassifier ? ['image', 'answer', '', 'second', '', 'third', ''] : ['image', 'answer'];
    const width = Math.max(2, ...rows.map(({ length }) => length));
    if (rows.length > 0) {
      for (const line of tableLines({ header: header.slice(0, width), rows, right: [2, 4, 6] }))
        printLine(stdout, line);
    }
  }
  if (failed === 0) return EXIT.ok;
  printLine(stderr, `${failed} of ${found.length} ${found.length === 1 ? 'image' : 'images'} failed`);
  return EXIT.usage;
}

const GUESSES_SHOWN = 3;
const NUMBERS_SHOWN = 8;

function shownCells({ guesses, values }: SampleAnswer, classes: readonly string[]): string[] {
  if (guesses === undefined) {
    const more = values.length > NUMBERS_SHOWN ? ' ...' : '';
    return [`${[...values.subarray(0, NUMBERS_SHOWN)].map(formatFigure).join(' ')}${more}`];
  }
  return guesses
    .slice(0, GUESSES_SHOWN)
    .flatMap(({ class: index, probability }) => [visibleText(classes[index]!), formatAccuracy(probability)]);
}
