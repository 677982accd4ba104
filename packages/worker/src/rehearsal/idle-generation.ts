/**
 * A generation that computes nothing, for rehearsals of a coordinator with many workers: it takes its state and its shards as a
 * real one does and reports what the plan says, but the all-reduce is a meeting, and the arithmetic a pause. The weights after a
 * step are its number, so members that were told different things hold different weights, as real ones do.
 */
import {
  pause,
  rangeOfRank,
  TrainingError,
  type Clock,
  type SampleFields,
  type WorkItem,
  type WorkSplit,
} from '@facet/shared';
import { openShardSource, type ShardFeed, type ShardSource } from '../data/shard-source.js';
import {
  splitOf,
  synchroniseState,
  type GenerationEvents,
  type JoinGeneration,
  type Place,
  type StatefulResources,
} from '../membership-generation.js';
import { markApplied } from '../train/training-state.js';
import { idleEvaluation, idleStep, type StepAccounts } from './idle-results.js';

/** Where the members of a generation meet. */
export interface MeetingPlace {
  readonly generation: number;
  readonly item: WorkItem;
  readonly worldSize: number;
}

/** Stands for the all-reduce: nobody goes on with a piece of work before all members of the generation have come to it. */
export interface Meeting {
  /**
   * Resolves when all are there.
   *
   * @throws TrainingError PEER_UNAVAILABLE as soon as a member is known to be gone; CANCELLED when the signal is aborted.
   */
  meet(place: MeetingPlace, signal: AbortSignal): Promise<void>;
}

export interface IdleResources extends StatefulResources {
  readonly clock: Clock;
  readonly shards: ShardFeed;
  readonly fields: SampleFields;
  readonly meeting: Meeting;
  /** What the arithmetic of a piece of work would take. */
  readonly workMs: number;
  readonly accounts: StepAccounts;
  /** The coordinator said Start. */
  readonly onStart: (generation: number, worldSize: number) => void;
}

/** Nobody looks at samples where nothing is computed. */
const NO_SAMPLES = { read: (): Promise<Record<string, never>> => Promise.resolve({}) };

/** As JoinGeneration says, of a worker that rehearses. */
export const joinIdleGeneration: JoinGeneration<IdleResources> = (place, resources, events) => {
  const { peers } = place;
  const { generation: id } = place.form;
  const controller = new AbortController();
  const { signal } = controller;
  let begin: () => void = () => undefined;
  const started = new Promise<void>((resolve, reject) => {
    begin = resolve;
    signal.addEventListener('abort', () => {
      reject(TrainingError.from(signal.reason, 'CANCELLED'));
    });
  });
  started.catch(() => undefined);
  let lastStep = Number.POSITIVE_INFINITY;
  let shards: ShardSource | undefined;

  const live = async (): Promise<void> => {
    await synchroniseState(place, resources, signal);
    shards = openShards(place, { resources, events, signal });
    events.onFormed(id, [], {});
    await started;
    await workThrough(place, { resources, events, signal, shards, lastStep: () => lastStep });
  };
  let hasFailed = false;
  const done = live().catch((caught: unknown) => {
    hasFailed = true;
    if (!signal.aborted) events.onFault(id, TrainingError.from(caught), '');
  });

  return {
    id,
    get isOver() {
      return hasFailed || signal.aborted;
    },
    get backlog() {
      return shards?.backlog ?? 0;
    },
    start() {
      resources.onStart(id, peers.length);
      begin();
    },
    endAfter(step) {
      lastStep = step;
    },
    async end(reason) {
      controller.abort(new TrainingError('CANCELLED', reason));
      await done;
      await shards?.close();
    },
  };
};

interface IdleLife {
  readonly resources: IdleResources;
  readonly events: GenerationEvents;
  readonly signal: AbortSignal;
}

interface IdleWork extends IdleLife {
  readonly shards: ShardSource;
  readonly lastStep: () => number;
}

function openShards({ form, seal }: Place, { resources, events, signal }: IdleLife): ShardSource {
  const { clock, shards: feed, welcome, config, plan, fields } = resources;
  return openShardSource({
    ...{ feed, seal, clock, plan, fields, signal },
    onForged: () => {
      events.onForgedShard(form.generation);
    },
    run: welcome.run,
    generation: form.generation,
    rank: form.rank,
    start: firstOf(form),
    window: config.prefetchSteps,
    local: NO_SAMPLES,
    timeoutMs: config.timeouts.stepMs,
  });
}

async function workThrough({ form, peers }: Place, life: IdleWork): Promise<void> {
  const { clock, plan, meeting, workMs } = life.resources;
  const { generation } = form;
  const split = splitOf({ form, peers });
  for (let item: WorkItem | undefined = firstOf(form); item !== undefined; item = plan.next(item)) {
    const applied = item.kind === 'train' ? item.step - 1 : item.step;
    if (applied >= life.lastStep()) return;
    life.shards.begin(item);
    const waitedFromMs = clock.now();
    const samples = await takeShards(item, { life, split, rank: form.rank });
    const shardWaitMs = clock.now() - waitedFromMs;
    await meeting.meet({ generation, item, worldSize: peers.length }, life.signal);
    await pause(clock, workMs);
    if (life.signal.aborted) return;
    if (item.kind === 'train') finishStep(item.step, { life, form, samples, shardWaitMs });
    else {
      const share = idleEvaluation(item, { ...life.resources, split, rank: form.rank });
      life.events.onEvaluation(generation, item.step, share);
    }
  }
}

/** How many samples this rank was given. */
async function takeShards(
  item: WorkItem,
  { life, split, rank }: { readonly life: IdleWork; readonly split: WorkSplit; readonly rank: number },
): Promise<number> {
  const { start, end } = rangeOfRank(life.resources.plan.microBatchCount(item), split, rank);
  let samples = 0;
  for (let index = start; index < end; index++) samples += (await life.shards.take(item, index)).ids.length;
  return samples;
}

interface FinishedWork {
  readonly life: IdleWork;
  readonly form: Place['form'];
  readonly samples: number;
  readonly shardWaitMs: number;
}

function finishStep(step: number, { life, form, samples, shardWaitMs }: FinishedWork): void {
  const { state, accounts, workMs } = life.resources;
  state.weights.fill(step);
  markApplied(state, step);
  const result = idleStep(step, { state, account: accounts.of(step), samples, shardWaitMs, workMs });
  life.events.onStep(form.generation, form.rank, result);
}

function firstOf({ kind, step }: Place['form']): WorkItem {
  return { kind: kind === 'WORK_KIND_EVALUATE' ? 'evaluate' : 'train', step };
}
