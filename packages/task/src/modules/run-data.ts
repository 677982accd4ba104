/**
 * The data of a run, wherever they come from: the task's own, or a dataset by name.
 */
import path from 'node:path';
import { datasetSource, openDataset, type DataContext, type NamedSource, type SampleSource } from '@facet/datasets';
import { moduleTask, TrainingError, type RunConfig } from '@facet/shared';
import { answerOf } from '../define/answer.js';
import { isSampleSource, type TaskDefinition } from '../define/define-task.js';
import { loadTask } from './load-task.js';

/** Samples of a run. */
export interface RunData extends NamedSource {
  /** The classes that an answer is one of; 0 where answers are no classes. */
  readonly answerClasses: number;
  /** The figures of the task's own that an evaluation has. */
  readonly metricNames: readonly string[];
}

/**
 * Opens the data that a run is trained and evaluated on.
 *
 * @throws TrainingError DATASET_UNAVAILABLE or DATASET_INVALID; TASK_INVALID when the task's module cannot be loaded, or
 *   neither it nor the configuration says where samples come from.
 */
export async function openRunData(config: RunConfig): Promise<RunData> {
  const { dataset: name, dataFolder: folder } = config;
  const task = moduleTask(config);
  if (task !== undefined && name === undefined) {
    const { definition, file } = await loadTask(task.module);
    if (definition.dataset !== undefined) {
      const source = await openTaskData(definition, { folder, taskFolder: path.dirname(file) });
      return named(definition, source);
    }
    throw new TrainingError(
      'TASK_INVALID',
      `the task ${definition.name} has no dataset; give it one in ${task.module}, or name one with --dataset`,
    );
  }
  const source = datasetSource(await openDataset({ name: name!, folder }));
  const classes = source.classes ?? [];
  if (task === undefined) return { ...source, answerClasses: classes.length, metricNames: [] };
  const { definition } = await loadTask(task.module);
  return { ...source, answerClasses: answerClasses(definition, source), metricNames: metricNames(definition) };
}

/**
 * Opens the samples of a task that brings its own.
 *
 * @throws TrainingError TASK_INVALID when its `dataset` throws, or gives something else than samples; as the source does.
 */
async function openTaskData({ name, dataset }: TaskDefinition, context: DataContext): Promise<SampleSource> {
  let found: unknown = dataset;
  try {
    // A function may return what opens the samples, as in `({ folder }) => imageFolder({ folder })`.
    for (let depth = 0; typeof found === 'function' && depth < 2; depth++) {
      found = await (found as (context: DataContext) => unknown)(context);
    }
  } catch (caught) {
    if (caught instanceof TrainingError) throw caught;
    const { name: kind = 'Error', message = String(caught) } = caught as Partial<Error>;
    throw new TrainingError('TASK_INVALID', `the task ${name} is wrong: dataset threw ${kind}: ${message}`, {
      cause: caught,
    });
  }
  if (isSampleSource(found)) return found;
  throw new TrainingError(
    'TASK_INVALID',
    `the task ${name} is wrong: dataset gives ${found === undefined ? 'nothing' : `a ${typeof found}`}, expected what imageFolder, csv, arrays, text or own return`,
  );
}

function answerClasses(definition: TaskDefinition, { fields, classes = [] }: SampleSource): number {
  const answer = answerOf(definition, { fields, classes });
  return answer.kind === 'class' ? answer.classes : 0;
}

function metricNames({ metrics = {} }: TaskDefinition): string[] {
  return Object.keys(metrics);
}

/** The same source under the name of its task; its methods stay its own. */
function named(definition: TaskDefinition, source: SampleSource): RunData {
  const { fields, classes, table, digest } = source;
  return {
    name: definition.name,
    fields,
    digest,
    answerClasses: answerClasses(definition, source),
    metricNames: metricNames(definition),
    ...(classes !== undefined && { classes }),
    ...(table !== undefined && { table }),
    length: (split) => source.length(split),
    read: (split, ids) => source.read(split, ids),
  };
}
