/**
 * The shards of one rank in one generation, as they come from NATS. Messages may come again or out of order; what is
 * handed out is exactly the micro-batch that the plan asks for, checked id by id, and every wait has a deadline.
 */
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { SampleSource } from '@facet/datasets';
import {
  ConsumerWatch,
  decodeShardMessage,
  pause,
  shardStreamName,
  shardSubject,
  TrainingError,
  unpackSamples,
  type Clock,
  type Plan,
  type SampleBatch,
  type SampleFields,
  type ShardMessage,
  type ShardSeal,
  type WorkItem,
} from '@facet/shared';

/** Messages that the consumer asks for ahead; the coordinator's prefetch window is the real bound. */
const MAX_MESSAGES = 256;
const RESUBSCRIBE_DELAY_MS = 200;
/** A broker that serves a feed says so this often; one that was silent for two of them serves it no more. */
const HEARTBEAT_MS = 3_000;
const REQUEST_MS = 10_000;
/** The others may have ended the step that this rank is at, and an evaluation behind it. */
const STEPS_AHEAD = 2;

export interface ShardSource {
  /** The rank begins a piece of work, of which it may have no micro-batch: there may be more workers than micro-batches. */
  begin(item: WorkItem): void;
  /** The samples of one micro-batch. */
  take(item: WorkItem, index: number): Promise<SampleBatch>;
  /** Micro-batches that have arrived and wait to be taken. */
  readonly backlog: number;
  close(): Promise<void>;
}

/** Messages of one subject; iterating ends or throws when the broker loses them. */
export interface ShardMessages extends AsyncIterable<{ readonly data: Uint8Array }> {
  close(): Promise<unknown>;
}

/** Where shards come from. */
export interface ShardFeed {
  /** The messages of one rank in one generation, from the first one on. */
  subscribe(run: string, generation: number, rank: number): Promise<ShardMessages>;
  /** The broker's address, for messages. */
  readonly server: string;
}

export interface ShardSourceOptions {
  readonly feed: ShardFeed;
  /** What the coordinator seals the shards of this rank with. */
  readonly seal: Pick<ShardSeal, 'open'>;
  /** Called for every message that it did not seal; the message is skipped. */
  readonly onForged: () => void;
  readonly clock: Clock;
  readonly run: string;
  readonly generation: number;
  readonly rank: number;
  readonly plan: Plan;
  /** The first piece of work of the generation. */
  readonly start: WorkItem;
  /** Pieces of work that the coordinator publishes ahead (`prefetchSteps`): what arrives early is kept, so it has a bound. */
  readonly window: number;
  readonly fields: SampleFields;
  /** With `data: local` the samples come from here. */
  readonly local: Pick<SampleSource, 'read'> | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Subscribes to the shards of a rank; returns at once. */
export function openShardSource(options: ShardSourceOptions): ShardSource {
  const { feed, clock, run, generation, rank, plan, timeoutMs, signal } = options;
  const arrived = new Map<string, ShardMessage>();
  const waiting = new Map<string, (message: ShardMessage) => void>();
  const rejections = new Set<(error: TrainingError) => void>();
  let failure: TrainingError | undefined;
  let taken: Place = { step: options.start.step, order: orderOf(options.start), index: -1 };

  const fail = (error: TrainingError): void => {
    failure ??= error;
    for (const reject of [...rejections]) reject(failure);
    rejections.clear();
  };

  const accept = (bytes: Uint8Array): void => {
    // Whoever may publish may put anything into the stream. What matters is that the coordinator's own comes too.
    const opened = options.seal.open(bytes);
    if (opened === undefined) {
      options.onForged();
      return;
    }
    const message = decodeShardMessage(opened);
    if (message.generation !== generation) return;
    const item: WorkItem = { kind: message.kind, step: message.step };
    checkPlace(plan, item, message.index);
    // The broker may send a message twice.
    if (!isAfter(item, message.index, taken)) return;
    const limit = taken.step + options.window + STEPS_AHEAD;
    if (message.step > limit) {
      throw new TrainingError(
        'SHARD_INVALID',
        `a micro-batch of step ${message.step} came while rank ${rank} is at step ${taken.step}, expected step ${limit} at most (prefetchSteps ${options.window}); who else publishes for this run?`,
      );
    }
    const key = shardKey(message.kind, message.step, message.index);
    const waiter = waiting.get(key);
    if (waiter === undefined) arrived.set(key, message);
    else waiter(message);
  };

  let messages: ShardMessages | undefined;
  let isClosed = false;
  let onClose: () => void = () => undefined;
  const closed = new Promise<undefined>((resolve) => {
    onClose = () => {
      resolve(undefined);
    };
  });
  const read = async (): Promise<void> => {
    while (!isClosed) {
      try {
        // A consumer takes as long to make as the broker is far or away: who closes does not wait for it.
        const subscribing = feed.subscribe(run, generation, rank);
        const subscribed = await Promise.race([subscribing, closed]);
        if (isClosed || subscribed === undefined) {
          endUnread(subscribing);
          return;
        }
        messages = subscribed;
        for await (const message of messages) accept(message.data);
      } catch (caught) {
        if (caught instanceof TrainingError) {
          fail(caught);
          return;
        }
      }
      // The broker came back without its memory, or is away: the coordinator publishes again, so subscribe again. The
      // deadline of whoever waits for a shard is what bounds this.
      if (!isClosed) await Promise.race([closed, pause(clock, RESUBSCRIBE_DELAY_MS)]);
    }
  };
  const reading = read();
  signal.addEventListener('abort', () => {
    fail(TrainingError.from(signal.reason, 'CANCELLED'));
  });

  const next = (item: WorkItem, index: number): Promise<ShardMessage> => {
    const key = shardKey(item.kind, item.step, index);
    const present = arrived.get(key);
    if (present !== undefined) {
      arrived.delete(key);
      return Promise.resolve(present);
    }
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancelTimeout();
        waiting.delete(key);
        rejections.delete(rejectWith);
      };
      const rejectWith = (error: TrainingError): void => {
        settle();
        reject(error);
      };
      const cancelTimeout = clock.schedule(timeoutMs, () => {
        rejectWith(
          new TrainingError(
            'SHARD_TIMEOUT',
            `rank ${rank} waited ${timeoutMs} ms for micro-batch ${index} of ${item.kind} step ${item.step} in generation ${generation}; is the broker at ${feed.server} up and the coordinator publishing?`,
          ),
        );
      });
      rejections.add(rejectWith);
      waiting.set(key, (message) => {
        settle();
        resolve(message);
      });
    });
  };

  return {
    begin(item) {
      const order = orderOf(item);
      if (order > taken.order) taken = { step: item.step, order, index: -1 };
    },
    async take(item, index) {
      const message = await next(item, index);
      taken = { step: item.step, order: orderOf(item), index };
      const expected = plan.microBatch(item, index);
      if (message.ids.length !== expected.length || message.ids.some((id, i) => id !== expected[i])) {
        throw new TrainingError(
          'SHARD_INVALID',
          `micro-batch ${index} of ${item.kind} step ${item.step} came with samples ${preview(message.ids)}, the plan says ${preview(expected)}`,
        );
      }
      return samplesOf(message, item, options);
    },
    get backlog() {
      return arrived.size;
    },
    async close() {
      fail(new TrainingError('CANCELLED', `the shards of generation ${generation} are closed`));
      isClosed = true;
      onClose();
      await messages?.close();
      await reading;
    },
  };
}

/** Ends a subscription that nobody reads, once it is made. Such a one never says that it has ended, so nothing waits for it. */
function endUnread(subscribing: Promise<ShardMessages>): void {
  subscribing.then(
    (messages) => void messages.close(),
    () => undefined,
  );
}

/** Shards over NATS: a consumer of one subject, from its first message on, without acknowledgements. */
export function natsShardFeed(connection: NatsConnection): ShardFeed {
  const consumers = new ConsumerWatch(connection);
  return {
    async subscribe(run, generation, rank) {
      const consumer = await jetstream(connection).consumers.get(shardStreamName(run), {
        filter_subjects: shardSubject(run, generation, rank),
        deliver_policy: DeliverPolicy.All,
      });
      const messages = await consumer.consume({
        max_messages: MAX_MESSAGES,
        expires: REQUEST_MS,
        idle_heartbeat: HEARTBEAT_MS,
        abort_on_missing_resource: true,
      });
      consumers.add(messages);
      return messages;
    },
    get server() {
      return connection.getServer();
    },
  };
}

/** How far a rank has come: micro-batches are taken in the order of the plan. */
interface Place {
  readonly step: number;
  readonly order: number;
  readonly index: number;
}

/** An evaluation comes after its step and before the next one. */
function orderOf({ kind, step }: WorkItem): number {
  return 2 * step + (kind === 'evaluate' ? 1 : 0);
}

function isAfter(item: WorkItem, index: number, place: Place): boolean {
  const order = orderOf(item);
  return order > place.order || (order === place.order && index > place.index);
}

/** What no step of the plan asks for would be kept for ever. */
function checkPlace(plan: Plan, item: WorkItem, index: number): void {
  const { kind, step } = item;
  const isPlanned = step >= 1 && step <= plan.totalSteps && (kind === 'train' || plan.isLastOfEpoch(step));
  if (isPlanned && index < plan.microBatchCount(item)) return;
  throw new TrainingError(
    'SHARD_INVALID',
    `micro-batch ${index} of ${kind} step ${step} came, which the plan of ${plan.totalSteps} steps does not have`,
  );
}

function shardKey(kind: WorkItem['kind'], step: number, index: number): string {
  return `${kind}/${step}/${index}`;
}

function preview(ids: Uint32Array): string {
  const shown = [...ids.subarray(0, 4)].join(', ');
  return `${shown}${ids.length > 4 ? `, ... (${ids.length})` : ''}`;
}

async function samplesOf(
  message: ShardMessage,
  item: WorkItem,
  { local, plan, fields }: ShardSourceOptions,
): Promise<SampleBatch> {
  const { ids, samples } = message;
  if (samples !== undefined) return { ids, fields: unpackSamples(fields, samples, ids.length) };
  if (local === undefined) {
    throw new TrainingError(
      'SHARD_INVALID',
      'a shard without samples came, but this run streams its data (data: stream)',
    );
  }
  return { ids, fields: await local.read(plan.splitOf(item), ids) };
}
