/**
 * One generation in the life of a worker: get the state, connect to the peers, train, end. It is in one of three states:
 * forming, formed (waiting for Start), running. `end` may come in any of them.
 */
import {
  evenSplit,
  type GenerationPeer,
  parseAddress,
  splitByShares,
  TrainingError,
  type Plan,
  type RunConfig,
  type SampleFields,
  type WorkSplit,
  type ExchangePasses,
  type ShardSeal,
  type WelcomeSecrets,
  type WorkItem,
} from '@facet/shared';
import type { Form, Welcome } from '@facet/proto';
import type { SampleSource } from '@facet/datasets';
import { type FloatMemory, gradientFormat, openMesh, type Mesh, groupSizeOf } from '@facet/collective';
import { openShardSource, type ShardSource } from './data/shard-source.js';
import { sumLayoutOf, type Compute, type EngineId } from '@facet/engine';
import { gradientSumLength, initialWeights, type Task } from '@facet/task';
import type { EvaluationShare } from './train/evaluation-share.js';
import { runGeneration, type StepResult } from './train/generation-loop.js';
import { adoptState, resetState, type TrainingState } from './train/training-state.js';
import type { WorkerNetwork } from './worker-network.js';

/** What a worker has for its whole life that its membership asks for. */
export interface MemberResources {
  readonly welcome: Welcome;
  readonly secrets: WelcomeSecrets;
  readonly config: RunConfig;
  readonly plan: Plan;
  readonly compute: Pick<Compute, 'programSha256' | 'layout'>;
  readonly engine: EngineId;
  /** Threads of one run of the engine. */
  readonly threads: number;
  readonly state: TrainingState;
  readonly network: Pick<WorkerNetwork, 'leaderAddress'>;
}

/** The parts of a worker that all its generations share. */
export interface WorkerResources extends StatefulResources {
  readonly task: Task;
  readonly fields: SampleFields;
  readonly compute: Compute;
  readonly network: WorkerNetwork;
  /** Of the gradients of one generation at a time. */
  readonly memory: FloatMemory;
  /** Present with `data: local`. */
  readonly data: SampleSource | undefined;
}

export interface GenerationEvents {
  onFormed(generation: number, peers: readonly number[], ways: Mesh['ways']): void;
  onStep(generation: number, rank: number, result: StepResult): void;
  onEvaluation(generation: number, step: number, share: EvaluationShare): void;
  /** A message came among the shards that the coordinator did not seal; it was skipped. */
  onForgedShard(generation: number): void;
  /** The generation cannot go on; peerWorkerId names the peer it is about, if any. */
  onFault(generation: number, error: TrainingError, peerWorkerId: string): void;
}

export interface Generation {
  readonly id: number;
  readonly backlog: number;
  /** It was ended, or has failed. */
  readonly isOver: boolean;
  /** Begins training once formed. */
  start(): void;
  /** Trains no further than this step, or the one after it that is under way. */
  endAfter(step: number): void;
  /** Abandons whatever is going on; resolves when the state is at rest. */
  end(reason: string): Promise<void>;
}

/** What a Form says, its secrets opened. */
export interface Place {
  readonly form: Form;
  /** The members in rank order, as the form has them. */
  readonly peers: readonly GenerationPeer[];
  readonly seal: ShardSeal;
  readonly passes: ExchangePasses;
}

/** Joins a generation. It reports through its events and never throws. */
export type JoinGeneration<R extends MemberResources> = (
  place: Place,
  resources: R,
  events: GenerationEvents,
) => Generation;

/** As JoinGeneration says, of a worker that trains. */
export function joinGeneration(
  { form, peers, seal, passes }: Place,
  resources: WorkerResources,
  events: GenerationEvents,
): Generation {
  const { welcome, config, plan, task, fields, compute, state, network, memory, data } = resources;
  const { clock, exchange } = network;
  const { generation: id, rank } = form;
  const controller = new AbortController();
  const { signal } = controller;
  const groupSize = groupSizeOf(
    peers.map(({ exchangeAddress }) => parseAddress(exchangeAddress).host),
    config.exchange.groupSize,
  );
  const item: WorkItem = { kind: form.kind === 'WORK_KIND_EVALUATE' ? 'evaluate' : 'train', step: form.step };
  let begin: () => void = () => undefined;
  const started = new Promise<void>((resolve, reject) => {
    begin = resolve;
    signal.addEventListener('abort', () => {
      reject(TrainingError.from(signal.reason, 'CANCELLED'));
    });
  });
  started.catch(() => undefined);
  let shards: ShardSource | undefined;
  let mesh: Mesh | undefined;
  let faultyPeer = '';
  let lastStep = Number.POSITIVE_INFINITY;
  let hasFailed = false;

  const open = async (split: WorkSplit): Promise<{ mesh: Mesh; shards: ShardSource }> => {
    await synchroniseState({ form, passes }, resources, signal);
    memory.reset();
    shards = openShardSource({
      feed: network.shards,
      seal,
      onForged: () => {
        events.onForgedShard(id);
      },
      clock,
      run: welcome.run,
      generation: id,
      rank,
      plan,
      start: item,
      window: config.prefetchSteps,
      fields,
      local: data,
      timeoutMs: config.timeouts.stepMs,
      signal,
    });
    mesh = await openMesh({
      server: exchange,
      openInlet: network.openInlet,
      clock,
      run: welcome.run,
      pass: passes.frames,
      generation: id,
      rank,
      peers: peers.map(({ workerId, exchangeAddress: address }, peer) => ({ rank: peer, workerId, address })),
      split,
      groupSize,
      length: gradientSumLength(sumLayoutOf(task)),
      format: gradientFormat({ name: config.gradientFormat, exactFrom: compute.layout.length, seed: config.seed }),
      bucketBytes: config.bucketBytes,
      messageBytes: config.exchange.messageBytes,
      transport: config.exchange.transport,
      allocate: memory.allocate,
      timeoutMs: config.timeouts.stepMs,
      firstStep: item.kind === 'train' ? item.step : item.step + 1,
      microBatches: (step) => plan.microBatchCount({ kind: 'train', step }),
      onFailure: (_error, peer) => {
        faultyPeer = peer.workerId;
      },
      signal,
    });
    // The generation has ended since the last connection was made. Only this code has the mesh and can close it.
    if (signal.aborted) mesh.close();
    return { mesh, shards };
  };

  // This worker may not have seen earlier ones. Their members may pull nothing here any more.
  exchange.closeThrough(id - 1);
  const done = (async () => {
    try {
      const split = splitOf({ form, peers });
      const opened = await open(split);
      events.onFormed(id, opened.mesh.allReduce.peers, opened.mesh.ways);
      await started;
      await runGeneration({
        config,
        plan,
        task,
        rank,
        split,
        start: item,
        compute,
        state,
        shards: opened.shards,
        allReduce: opened.mesh.allReduce,
        allocate: memory.allocate,
        signal,
        lastStep: () => lastStep,
        now: () => clock.now(),
        onStep: (result) => {
          events.onStep(id, rank, result);
        },
        onEvaluation: (step, share) => {
          events.onEvaluation(id, step, share);
        },
      });
    } catch (caught) {
      hasFailed = true;
      if (!signal.aborted) events.onFault(id, TrainingError.from(caught), faultyPeer);
    }
  })();

  return {
    id,
    get backlog() {
      return shards?.backlog ?? 0;
    },
    get isOver() {
      return hasFailed || signal.aborted;
    },
    start: () => {
      begin();
    },
    endAfter(step) {
      lastStep = step;
    },
    async end(reason) {
      controller.abort(new TrainingError('CANCELLED', reason));
      // A peer may have pulled before the mesh was open.
      if (mesh === undefined) exchange.closeThrough(id);
      else mesh.close();
      await done;
      await shards?.close();
    },
  };
}

/** Who computes what in a generation. */
export function splitOf({ form: { shares }, peers }: Pick<Place, 'form' | 'peers'>): WorkSplit {
  if (shares.length === 0) return evenSplit(peers.length);
  if (shares.length === peers.length && shares.some((share) => share > 0)) return splitByShares(shares);
  throw new TrainingError(
    'ACCOUNTING',
    `the coordinator gave ${shares.length} shares (${shares.join(', ')}) for ${peers.length} workers; report this as a bug`,
  );
}

/** What a worker needs to bring its state to where a generation starts. */
export interface StatefulResources extends MemberResources {
  readonly compute: Pick<Compute, 'programSha256' | 'layout' | 'weightsChanged'>;
  readonly network: Pick<WorkerNetwork, 'leaderAddress' | 'pullState'>;
}

/** Brings the state to where the generation starts: from the seed, from a peer, or it is there already. */
export async function synchroniseState(
  { form, passes }: Pick<Place, 'form' | 'passes'>,
  { welcome, config, compute, state, network }: StatefulResources,
  signal: AbortSignal,
): Promise<void> {
  switch (form.stateSource) {
    case 'STATE_SOURCE_INITIAL':
      if (config.start !== undefined) throw otherStart(config.start.sha256, 'those of its seed');
      resetState(state, initialWeights(compute.layout, config.seed));
      compute.weightsChanged();
      return;
    case 'STATE_SOURCE_PULL':
      adoptState(
        state,
        await network.pullState({
          peer: 'the holder of the state',
          address: form.stateAddress,
          run: welcome.run,
          pass: { generation: form.generation, proof: passes.state ?? new Uint8Array() },
          step: form.stateStep,
          shape: { parameters: state.weights.length, hasAverage: state.ema !== undefined },
          expected: { weightsCrc: form.stateWeightsCrc, momentsCrc: form.stateMomentsCrc || undefined },
          timeoutMs: config.timeouts.gatherMs,
          signal,
        }),
      );
      if (form.stateStep === 0 && config.start !== undefined) await requireStart(config.start.sha256, state);
      compute.weightsChanged();
      return;
    default:
      if (state.appliedStep === form.stateStep && state.weightsCrc === form.stateWeightsCrc) return;
      throw new TrainingError(
        'DESYNC',
        `this worker was told to keep its state after step ${form.stateStep} (${form.stateWeightsCrc.toString(16)}), but holds step ${state.appliedStep ?? 'none'} (${state.weightsCrc.toString(16)})`,
      );
  }
}

/** A run that starts from given weights starts from no others. */
async function requireStart(expected: string, { weights }: TrainingState): Promise<void> {
  // A copy, because an engine's weights may lie in shared memory, which is not hashed.
  const actual = Buffer.from(await crypto.subtle.digest('SHA-256', weights.slice())).toString('hex');
  if (actual !== expected) throw otherStart(expected, actual);
}

function otherStart(expected: string, actual: string): TrainingError {
  return new TrainingError(
    'DESYNC',
    `the run starts from weights with SHA-256 ${expected}, this worker was given ${actual}; restore the folder start of the run from a copy`,
  );
}
