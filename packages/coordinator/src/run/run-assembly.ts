/**
 * The decisions of one coordinator put together: membership, intake, shards, checkpoints. What they touch outside the
 * process (broker, disk, clock, the workers' streams) comes in as arguments, so that a simulation runs the same assembly.
 */
import type { RunData } from '@facet/task/data';
import { imageShapeOf, type Clock, type Plan, type RunConfig, type TrainingError, withoutSecrets } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { Checkpoint, LedgerFile } from '@facet/storage';
import { CommitLog } from '../commit/commit-log.js';
import { AdaptivePolicy } from '../membership/adaptive-policy.js';
import { createMembership, type Ending, type MembershipPolicy } from '../membership/state.js';
import type { Metrics } from '../metrics/metrics.js';
import { ShardPublisher, type PublishingBroker } from '../shards/publisher.js';
import { OutlierWatch } from './outlier-watch.js';
import type { ShardSource } from '../shards/shard-source.js';
import { Balancer } from './balancer.js';
import { Checkpointer, type CheckpointIo, type TakenCheckpoint } from './checkpointer.js';
import { Conductor } from './conductor.js';
import type { EndablePlan } from './endable-plan.js';
import { EngineMix } from './engine-mix.js';
import type { EarlierRun } from './earlier-run.js';
import { Greeter } from './greeter.js';
import { Operations } from './operations.js';
import { qualityOf, type History } from './history.js';
import { Intake } from './intake.js';
import type { RunKey } from '../secrets/run-key.js';
import { createRecorder, type Recorder } from './recorder.js';
import { Stopwatch } from './stopwatch.js';
import { StragglerWatch } from './straggler-watch.js';
import { welcomeMessage } from './wire-commands.js';
import { WorkerDirectory } from './worker-directory.js';

/** What an earlier coordinator left, and where this one writes. */
export interface AssemblyFolder {
  readonly checkpointsPath: string;
  readonly checkpoint: Pick<Checkpoint, 'path' | 'layout' | 'weightsSha256' | 'info'> | undefined;
  readonly ledger: Pick<LedgerFile, 'append'>;
  readonly key: RunKey;
}

export interface AssemblyParts {
  readonly config: RunConfig;
  readonly codeVersion: string;
  readonly plan: EndablePlan;
  readonly data: RunData;
  readonly earlier: EarlierRun;
  readonly folder: AssemblyFolder;
  readonly broker: PublishingBroker;
  readonly source: ShardSource;
  readonly io: CheckpointIo;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** False as soon as another coordinator may lead: nothing is decided or commanded any more. */
  readonly isLeading: () => boolean;
  /** Called when a worker shows that it has obeyed a later coordinator. */
  readonly onFenced: (reason: string) => void;
  /** The run is over; workers have been told. */
  readonly onEnd: (ending: Ending) => void;
}

export interface RunAssembly {
  /** The fencing token of this coordinator's commands: its place among all that ever led the run. */
  readonly term: number;
  readonly conductor: Conductor;
  readonly intake: Intake;
  readonly checkpointer: Checkpointer;
  readonly publisher: ShardPublisher;
  readonly recorder: Recorder;
  readonly history: History;
  readonly directory: WorkerDirectory;
  readonly engines: EngineMix;
  readonly stopwatch: Stopwatch;
  readonly stragglers: StragglerWatch;
  readonly outliers: OutlierWatch;
  readonly operations: Operations;
  /** Ends the run as failed. */
  readonly fail: (error: TrainingError) => void;
}

/** Puts a coordinator together; it waits for workers at once. The caller closes conductor, checkpointer and publisher. */
export function assembleRun(parts: AssemblyParts): RunAssembly {
  const { config, codeVersion, plan, data, earlier, folder } = parts;
  const { broker, source, io, metrics, clock, log } = parts;
  const { run } = config;
  const now = (): number => clock.now();
  const { history, effort } = earlier;
  const stopwatch = new Stopwatch(now, { seconds: effort.trainSeconds, samples: effort.trainedSamples });
  const directory = new WorkerDirectory(folder.checkpoint?.layout);
  const recorder = createRecorder({ ledger: folder.ledger, clock, metrics, log });
  const stragglers = new StragglerWatch(config.stragglers);
  const outliers = new OutlierWatch();
  const engines = new EngineMix(folder.checkpoint?.info);
  const commits = new CommitLog({
    config,
    plan,
    committed: earlier.committed,
    desyncAdvice: () => engines.desyncAdvice,
  });
  const policy: MembershipPolicy = { workers: config.workers, ...config.timeouts, plan };

  const fail = (error: TrainingError): void => {
    conductor.dispatch({ kind: 'failed', code: error.code, message: error.message });
  };
  const publisher = new ShardPublisher({
    run,
    plan,
    broker,
    clock,
    source,
    key: folder.key,
    window: config.prefetchSteps,
    isEndable: config.stopWhen.length > 0,
    log,
    onPublished: (bytes) => {
      metrics.publishedBytes.inc(bytes);
    },
    onError: fail,
  });
  const intake = new Intake(
    {
      config,
      plan,
      classes: data.answerClasses,
      commits,
      engines,
      history,
      stopwatch,
      outliers,
      recorder,
      publisher,
      metrics,
      log,
      dispatch: (event) => {
        conductor.dispatch(event);
      },
    },
    earlier,
  );
  const checkpointer = new Checkpointer({
    io,
    folder: folder.checkpointsPath,
    keep: config.checkpoint.keep,
    run,
    passes: folder.key.passes,
    hasAverage: config.optimizer.emaDecay > 0,
    pullTimeoutMs: config.timeouts.gatherMs,
    clock,
    recorder,
    metrics,
    log,
    latest: latestOf(parts, now()),
    layout: () => directory.layout,
    momentsCrcOf: (step) => intake.momentsCrcOf(step),
    describe: (step) => ({
      epoch: step === 0 ? 0 : plan.epochOf(step),
      config: withoutSecrets(config),
      codeVersion,
      ledgerStep: commits.lastStep,
      metrics: checkpointMetrics(history, plan, step),
      engines: engines.engines,
      programs: engines.programs,
      image: imageShapeOf(data.fields),
      samples: { fields: data.fields, classes: data.classes ?? [], ...(data.table && { table: data.table }) },
    }),
    bestStep: () => history.bestStep,
    onTaken: (taken) => {
      conductor.dispatch({ kind: 'checkpointed', held: taken.held });
      operations.onTaken(taken);
    },
    onDesync: fail,
  });
  const term = earlier.terms + 1;
  const conductor: Conductor = new Conductor({
    isLeading: parts.isLeading,
    onFenced: parts.onFenced,
    membership: createMembership({ policy, nowMs: now(), ...earlier }),
    policy: new AdaptivePolicy({
      policy,
      onChange: (allowedMs) => {
        log.info({ allowedMs }, 'workers may be silent for another time, by what was measured');
      },
    }),
    plan,
    isCheckpointDue: (step) =>
      operations.isWanted(step) || step % config.checkpoint.everySteps === 0 || plan.isLastOfEpoch(step),
    run: { name: run, key: folder.key, term },
    directory,
    engines,
    pacing: { watch: stragglers, excludes: config.stragglers.exclude, balancer: balancerOf(config, plan) },
    intake,
    checkpointer,
    publisher,
    recorder,
    stopwatch,
    metrics,
    clock,
    log,
    greeter: new Greeter({
      wanted: config.workers.count,
      clock,
      welcome: ({ session, host }) =>
        welcomeMessage(config, data, { session, key: folder.key, workersOnHost: directory.countOn(host) }),
    }),
    onEnd: parts.onEnd,
  });
  const operations: Operations = new Operations({
    conductor,
    directory,
    intake,
    totalSteps: () => plan.totalSteps,
    isTaking: () => checkpointer.isTaking,
    isLeading: parts.isLeading,
    patienceMs: config.timeouts.gatherMs,
    clock,
    metrics,
    log,
  });
  return {
    ...{ term, conductor, intake, checkpointer, publisher, recorder },
    ...{ history, directory, engines, stopwatch, stragglers, outliers, operations, fail },
  };
}

/** Half of the stragglers' window: shares change first, because with better shares there may be no straggler. */
function balancerOf({ balance, stragglers }: RunConfig, plan: Plan): Balancer | undefined {
  if (!balance) return undefined;
  const microBatches = plan.microBatchCount({ kind: 'train', step: 1 });
  return new Balancer({ microBatches, steps: Math.ceil(stragglers.steps / 2) });
}

function latestOf({ folder, earlier }: AssemblyParts, takenAtMs: number): TakenCheckpoint | undefined {
  const { checkpoint } = folder;
  const { checkpoint: held } = earlier;
  if (checkpoint === undefined || held === undefined) return undefined;
  return { held, path: checkpoint.path, weightsSha256: checkpoint.weightsSha256, takenAtMs };
}

function checkpointMetrics(history: History, { evaluation }: Plan, step: number): Record<string, number> {
  const { metrics, ...figures } = qualityOf(evaluation, history.evaluationOf(step));
  return {
    ...(history.lastLoss !== undefined && { trainLoss: history.lastLoss }),
    ...figures,
    ...metrics,
  };
}
