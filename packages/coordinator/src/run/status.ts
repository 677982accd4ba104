/**
 * The state of the run for people and dashboards, made when a client asks. It only reads.
 */
import type { Status } from '@facet/proto';
import type { Plan, RunConfig } from '@facet/shared';
import type { Membership, WorkerEntry } from '../membership/state.js';
import type { MetricReadings, StatusPhase } from '../metrics/metrics.js';
import type { OutlierWatch } from './outlier-watch.js';
import type { Checkpointer } from './checkpointer.js';
import type { Conductor } from './conductor.js';
import type { EngineMix } from './engine-mix.js';
import { qualityOf, type History } from './history.js';
import type { Intake } from './intake.js';
import type { Stopwatch } from './stopwatch.js';
import type { StragglerWatch } from './straggler-watch.js';
import type { ConnectedWorker, WorkerDirectory } from './worker-directory.js';

export interface StatusSources {
  readonly config: RunConfig;
  /** The name of what is trained on. */
  readonly dataset: string;
  readonly plan: Plan;
  readonly conductor: Conductor;
  readonly intake: Intake;
  readonly history: History;
  readonly checkpointer: Checkpointer;
  readonly directory: WorkerDirectory;
  readonly engines: EngineMix;
  readonly stopwatch: Stopwatch;
  readonly stragglers: StragglerWatch;
  readonly outliers: OutlierWatch;
  readonly now: () => number;
  readonly backlog: () => number;
}

const MS_PER_SECOND = 1_000;
const NO_TIMINGS = { totalMs: 0, shardWaitMs: 0, computeMs: 0, allReduceMs: 0, updateMs: 0 };

/** The answer to GetStatus. */
export function readStatus(sources: StatusSources): Status {
  const { config, plan, conductor, intake, history, checkpointer, stopwatch } = sources;
  const { membership } = conductor;
  const step = intake.lastStep?.step ?? intake.committedStep;
  const rate = stopwatch.recentSamplesPerSecond;
  const remaining = {
    samples: Math.max(plan.totalSteps - step, 0) * config.batch.global,
    evaluations:
      Math.ceil(Math.max(plan.totalSteps - step, 0) / plan.stepsPerEpoch) +
      (intake.current?.kind === 'evaluate' ? 1 : 0),
  };
  const { testAccuracy, heldOutAccuracy } = qualityOf(plan.evaluation, history.lastEvaluation);
  return {
    run: config.run,
    phase: phaseOf(membership, intake),
    detail: detailOf(membership),
    generation: membership.generation,
    step,
    totalSteps: plan.totalSteps,
    epoch: epochOf(plan, step),
    epochs: plan.totalSteps / plan.stepsPerEpoch,
    loss: intake.lastStep?.loss ?? history.lastLoss ?? 0,
    hasTrainAccuracy: intake.lastStep?.accuracy !== undefined,
    trainAccuracy: intake.lastStep?.accuracy ?? 0,
    hasTestAccuracy: testAccuracy !== undefined,
    testAccuracy: testAccuracy ?? 0,
    hasHeldOutAccuracy: heldOutAccuracy !== undefined,
    heldOutAccuracy: heldOutAccuracy ?? 0,
    hasEvaluation: history.lastEvaluation !== undefined,
    evaluationLoss: history.lastEvaluation?.loss ?? 0,
    evaluationMetrics: { ...history.lastEvaluation?.metrics },
    samplesPerSecond: rate,
    etaSeconds: stopwatch.remainingSeconds(remaining),
    checkpointStep: checkpointer.latest?.held.step ?? 0,
    faults: conductor.faults,
    workers: workerStatuses(sources),
    dataset: sources.dataset,
    lastFault: membership.lastFault ?? '',
    mixedEngines: sources.engines.note,
    checkpointFailure: checkpointer.failure ?? '',
    stragglers: sources.stragglers.note,
    outliers: sources.outliers.note,
  };
}

/** The values of the gauges. */
export function readMetrics(sources: StatusSources): MetricReadings {
  const { plan, conductor, intake, history, checkpointer, directory, stopwatch, now, backlog } = sources;
  const { membership } = conductor;
  const { phase } = membership;
  const { latest } = checkpointer;
  return {
    phase: phaseOf(membership, intake),
    generation: membership.generation,
    worldSize: phase.kind === 'running' || phase.kind === 'forming' ? phase.members.length : 0,
    workersConnected: directory.all.size,
    engines: sources.engines.engines.length,
    stragglers: sources.stragglers.count,
    greatestSlowness: sources.stragglers.greatestSlowness,
    outlyingMembers: sources.outliers.count,
    committedStep: intake.committedStep,
    epoch: epochOf(plan, intake.committedStep),
    samplesPerSecond: stopwatch.recentSamplesPerSecond,
    shardBacklog: backlog(),
    trainLoss: intake.lastStep?.loss ?? history.lastLoss,
    trainAccuracy: intake.lastStep?.accuracy,
    ...qualityOf(plan.evaluation, history.lastEvaluation),
    checkpointStep: latest?.held.step,
    checkpointAgeSeconds: latest === undefined ? undefined : (now() - latest.takenAtMs) / MS_PER_SECOND,
  };
}

function phaseOf({ phase }: Membership, intake: Intake): StatusPhase {
  if (phase.kind === 'ended') return phase.ending.outcome;
  if (phase.kind !== 'running') return phase.kind;
  return intake.current?.kind === 'evaluate' ? 'evaluating' : 'training';
}

function detailOf({ phase, workers }: Membership): string {
  const ready = [...workers.values()].filter(({ stage }) => stage === 'ready').length;
  switch (phase.kind) {
    case 'gathering':
      return `${ready} of ${phase.wanted} workers are ready`;
    case 'forming':
      return `${phase.formed.size} of ${phase.members.length} workers are formed`;
    case 'running':
      return `${phase.members.length} workers`;
    case 'regrouping':
      return phase.reason;
    case 'saving':
      return 'every worker leaves; a checkpoint of their state is being taken';
    case 'stopping':
    case 'ended':
      return phase.ending.message;
    default:
      return phase satisfies never;
  }
}

function workerStatuses({ conductor: { membership }, directory, outliers }: StatusSources): Status['workers'] {
  const { phase, workers } = membership;
  const members = phase.kind === 'forming' || phase.kind === 'running' ? phase.members : [];
  const ranks = new Map(members.map((workerId, rank) => [workerId, rank]));
  return [...directory.all.values()].map((worker) => workerStatus(worker, { workers, ranks, outliers }));
}

interface StatusContext extends Pick<Membership, 'workers'> {
  /** Of members. */
  readonly ranks: ReadonlyMap<string, number>;
  readonly outliers: OutlierWatch;
}

function workerStatus(
  { hello, program, lastStep }: ConnectedWorker,
  { workers, ranks, outliers }: StatusContext,
): Status['workers'][number] {
  const { workerId } = hello;
  const totalMs = lastStep?.timings?.totalMs ?? 0;
  return {
    workerId,
    host: hello.host,
    pid: hello.pid,
    isMember: ranks.has(workerId),
    rank: ranks.get(workerId) ?? 0,
    state: stateOf(workers.get(workerId)),
    engine: program?.engine ?? '',
    device: program?.device ?? '',
    samplesPerSecond: totalMs > 0 ? ((lastStep?.localSamples ?? 0) / totalMs) * MS_PER_SECOND : 0,
    timings: lastStep?.timings ?? NO_TIMINGS,
    metricsUrl: hello.metricsUrl,
    localGradientNorm: lastStep?.localGradientNorm ?? 0,
    localLoss: lastStep?.localLoss ?? 0,
    outlier: outliers.noteOf(workerId),
  };
}

function stateOf(worker: WorkerEntry | undefined): string {
  return worker?.isLeaving === true ? 'leaving' : (worker?.stage ?? 'gone');
}

function epochOf(plan: Plan, step: number): number {
  return step === 0 ? 0 : plan.epochOf(step);
}
