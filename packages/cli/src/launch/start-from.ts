/**
 * `--from` and `--freeze`: what a run starts with, and what it leaves alone. Both are judged before anything is started. The start
 * is written as the checkpoint of step 0 in a folder of its own, from which the coordinator hands it to every worker.
 */
import path from 'node:path';
import { Option, type Command } from 'commander';
import type { CheckpointInfo, RunConfig, TrainingState } from '@facet/shared';
import { openRunData } from '@facet/task/data';
import { readCodeVersion } from '../code-version.js';
import type { CliContext } from '../context.js';
import { findCheckpoint } from '../runs/find-checkpoint.js';
import type { RunPaths } from '../runs/run-folders.js';

/** What commander makes of the options. */
export interface StartOptions {
  readonly from?: string;
  readonly strict?: boolean;
}

/** A start that was judged. */
export interface PreparedStart {
  /** With the hash of the start. */
  readonly config: RunConfig;
  readonly notes: readonly string[];
  /** Writes the start into the folder of the run, which has been claimed. */
  write(paths: Pick<RunPaths, 'folder'>): Promise<void>;
}

export function addStartOptions(command: Command): Command {
  return command
    .option('--from <run | folder>', 'start from the weights of a run, a checkpoint or a trained model')
    .addOption(new Option('--no-strict', 'with --from: take the parameters that fit, and begin the others anew'));
}

/**
 * Makes the start of a new run; undefined when it starts from its seed and trains everything.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE naming parameters that do not fit; CONFIG_INVALID for a pattern that fits none; as
 *   findCheckpoint and openRunData.
 */
export async function prepareStart(
  config: RunConfig,
  { from, strict = true }: StartOptions,
  context: CliContext,
): Promise<PreparedStart | undefined> {
  if (from === undefined && config.freeze.length === 0) return undefined;
  const data = await openRunData(config);
  const { openTask, startWeights } = await import('@facet/lab');
  const { initialWeights, layoutParameters, trainedParameters } = await import('@facet/task');
  const classes = data.classes ?? [];
  const task = await openTask(config, { fields: data.fields, classes });
  const layout = layoutParameters(task.parameters);
  const trained = trainedParameters(layout, config.freeze);
  const frozen = layout.slots.length - trained.slots.length;
  const frozenNotes = frozen === 0 ? [] : [`${frozen} of ${layout.slots.length} parameters are frozen`];
  if (from === undefined) return { config, notes: frozenNotes, write: () => Promise.resolve() };

  const { checkpoint, warnings } = await findCheckpoint(from, context);
  const { info } = checkpoint;
  const name = `${info.run}, step ${info.step}`;
  const { weights, taken, fresh, left } = startWeights({
    source: { name, layout: checkpoint.layout, weights: checkpoint.weights },
    layout: layout.slots,
    initial: initialWeights(layout, config.seed),
    classes: data.answerClasses,
    take: strict ? 'all' : 'what-fits',
  });
  const { weightsSha256, writeCheckpoint, START_FOLDER } = await import('@facet/storage');
  const sha256 = await weightsSha256(weights);
  const started: RunConfig = Object.freeze({ ...config, start: { from: name, sha256 } });
  const list = (what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
  return {
    config: started,
    notes: [
      ...warnings,
      `starting from ${name}: ${taken.length} of ${layout.slots.length} parameters are taken`,
      ...list('as the seed gives them', fresh),
      ...list('left out', left),
      ...frozenNotes,
    ],
    async write({ folder }) {
      const zeros = (): Float32Array => new Float32Array(weights.length);
      const average = config.optimizer.emaDecay > 0 && { ema: weights.slice() };
      const state: TrainingState = { step: 0, weights, m: zeros(), v: zeros(), ...average };
      const written: CheckpointInfo = {
        ...{ run: started.run, step: 0, epoch: 0, config: started, ledgerStep: 0, metrics: {} },
        ...{ codeVersion: await readCodeVersion(context.env), at: new Date().toISOString() },
        ...(info.image && { image: info.image }),
      };
      await writeCheckpoint({ folder: path.join(folder, START_FOLDER), state, layout: layout.slots, info: written });
    },
  };
}
