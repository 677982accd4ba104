/**
 * Starts a coordinator: everything that a mistake in the configuration can stop is checked before the run leaves a trace,
 * so that the next start is not in the way of this one.
 */
import {
  createPlan,
  metricProblems,
  systemClock,
  TrainingError,
  withChange,
  type Plan,
  type RunConfig,
} from '@facet/shared';
import { RunFeed } from '@facet/view';
import { openRunData, type RunData } from '@facet/task/data';
import type { Coordinator, CoordinatorOptions } from './coordinator.js';
import { EarlierRunReader, resumeRecord } from './run/earlier-run.js';
import { endablePlan } from './run/endable-plan.js';
import { openRun, type RunParts } from './run/open-run.js';
import { changeRecord, takeUpChanges } from './run/recorded-changes.js';
import { makeResult, resultModel, type MeasuredResult, type RunResult } from './run/result.js';
import { checkSameRun, openRunFolder, readResult, runRecord } from './run/run-folder.js';

/**
 * Starts the coordinator of a run and returns when workers can join.
 *
 * @throws TrainingError RUN_EXISTS, RUN_NOT_FOUND, RUN_LOCKED, PORT_BUSY, BROKER_UNREACHABLE, BROKER_NO_JETSTREAM,
 *   CONFIG_INVALID, LEDGER_INVALID, CHECKPOINT_INCOMPATIBLE, DATASET_UNAVAILABLE or DATASET_INVALID.
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  return startPrepared(options, await prepareRun(options.config));
}

/** What a run needs that does not change while it runs. */
export interface PreparedRun {
  readonly data: RunData;
  readonly plan: Plan;
}

/**
 * Opens the data of a run, which takes longer than a standby has time.
 *
 * @throws TrainingError CONFIG_INVALID, DATASET_UNAVAILABLE or DATASET_INVALID.
 */
export async function prepareRun(config: RunConfig): Promise<PreparedRun> {
  const data = await openRunData(config);
  const [problem] = metricProblems(config, data);
  if (problem !== undefined) throw new TrainingError('CONFIG_INVALID', problem);
  const plan = createPlan(config, { trainSamples: data.length('train'), testSamples: data.length('test') });
  return { data, plan };
}

/** As startCoordinator, of a run that is prepared. */
export async function startPrepared(
  options: CoordinatorOptions,
  { data, plan: planned }: PreparedRun,
): Promise<Coordinator> {
  const plan = endablePlan(planned);
  const { config, log, mode } = options;
  let onLedgerError: (error: TrainingError) => void = (error) => {
    log.error({ reason: error.message }, 'the ledger cannot be written');
  };
  const reader = new EarlierRunReader(plan, config.checkpoint);
  const feed = new RunFeed();
  const folder = await openRunFolder({
    folder: options.runFolder,
    mode,
    config,
    hasOwnBroker: options.hasOwnBroker ?? false,
    token: options.token,
    operatorToken: options.operatorToken,
    lock: options.leadership?.lock ?? 'respect',
    store: options.store,
    log,
    onLedgerError: (error) => {
      onLedgerError(error);
    },
    onRecord: (record) => {
      reader.add(record);
      feed.add(record);
    },
    onAppended: (record) => {
      feed.add(record);
    },
  });
  try {
    for (const warning of folder.warnings) log.warn(warning);
    const expected = runRecord({ config, plan, data, at: (options.clock ?? systemClock).wallTime() });
    if (mode === 'resume') checkSameRun(reader.first, expected);
    const { changes, end } = takeUpChanges(config, plan, reader.finish(folder.checkpoint));
    // Whether the run is complete depends on where it ends.
    const earlier = reader.finish(folder.checkpoint);
    const record = async (): Promise<void> => {
      for (const change of changes) await folder.ledger.append(changeRecord(change, expected.at));
    };
    if (earlier.isFinished) {
      await record();
      return await finishedCoordinator({ options, folder, plan, data, earlier });
    }
    if (mode === 'resume') {
      await folder.ledger.append(resumeRecord(earlier, expected.at));
      await record();
      if (changes.length > 0) await folder.storeChanges(end === undefined ? config : withChange(config, end));
    }
    const running = await openRun({ options, folder, plan, data, earlier, feed });
    onLedgerError = (error) => {
      running.fail(error);
    };
    if (mode === 'new') {
      await folder.ledger.append(expected);
      await record();
    }
    return running.coordinator;
  } catch (caught) {
    // A start that failed before the run began is not in the way of the next one.
    await (mode === 'new' && folder.ledger.isUnwritten ? folder.discard() : folder.close());
    throw caught;
  }
}

/** A run that is complete already: nothing is started, and the result is what was stored, or what the ledger says. */
async function finishedCoordinator({
  options,
  folder,
  plan,
  data,
  earlier,
}: Omit<RunParts, 'feed'>): Promise<Coordinator> {
  const { config, clock = systemClock, runFolder } = options;
  const { history, effort, isEnded } = earlier;
  await folder.settle();
  if (!isEnded)
    await folder.ledger.append({ kind: 'end', reason: 'finished', step: plan.totalSteps, at: clock.wallTime() });
  await folder.close();
  const stored = (await readResult(runFolder)) as Partial<RunResult> | undefined;
  const { checkpoint } = folder;
  const newest = checkpoint && { ...checkpoint, step: checkpoint.state.step };
  const { confusion: _confusion, warning: _warning, ...model } = resultModel({ plan, config }, history, newest);
  const measured: MeasuredResult = {
    run: config.run,
    dataset: data.name,
    epochs: plan.totalSteps / plan.stepsPerEpoch,
    ...model,
    trainLoss: history.epochs.at(-1)?.trainLoss,
    wallSeconds: stored?.wallSeconds ?? effort.wallSeconds,
    trainSeconds: stored?.trainSeconds ?? effort.trainSeconds,
    imagesPerSecond:
      stored?.imagesPerSecond ?? (effort.trainSeconds === 0 ? 0 : effort.trainedSamples / effort.trainSeconds),
    workers: stored?.workers ?? 0,
    generations: stored?.generations ?? effort.generations,
    bytesExchanged: stored?.bytesExchanged ?? effort.bytesExchanged,
    engines: stored?.engines ?? checkpoint?.info.engines ?? [],
    warnings: folder.warnings,
  };
  const ending = { outcome: 'finished', message: 'the run was finished already' } as const;
  const result = await makeResult(measured, ending, { path: folder.ledger.path, steps: plan.totalSteps });
  return {
    address: '',
    httpUrl: '',
    done: Promise.resolve(result),
    requestStop: () => undefined,
    requestHandOver: () => undefined,
    requestCheckpoint: () => undefined,
    close: () => Promise.resolve(),
    stepDown: () => Promise.resolve(),
  };
}
