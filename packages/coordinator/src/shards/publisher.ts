/**
 * Publishes the shards of one generation after another, never more than the window ahead of the last completed piece of
 * work and never more than a few messages unacknowledged. Completed means durable in the ledger. When the stream is gone (the
 * broker came back without it, or somebody deleted it), it is made again, and everything that is not completed is published
 * again; workers drop duplicates by identity.
 */
import type { PubAck } from '@nats-io/jetstream';
import {
  rangeOfRank,
  repeat,
  shardSubject,
  TrainingError,
  type Clock,
  type Plan,
  type ShardSeal,
  type WorkSplit,
  type WorkItem,
} from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { RunKey } from '../secrets/run-key.js';
import type { Broker } from './broker.js';
import { createSignal, type Signal } from './signal.js';
import type { ShardSource } from './shard-source.js';

const MAX_IN_FLIGHT = 64;
const PUBLISH_TIMEOUT_MS = 2_000;
/** A failed publish is tried again when the broker is back, or after so long. */
const RETRY_MS = 500;
/** While a generation is fed, the publisher looks this often whether the stream is still there: all may be published already. */
const LOOK_MS = 1_000;

/** The part of a broker that publishing needs. */
export interface PublishingBroker extends Pick<Broker, 'streamName' | 'ensureStream' | 'close'> {
  readonly connection: Pick<Broker['connection'], 'status' | 'isClosed'>;
  readonly client: Pick<Broker['client'], 'publish'>;
  readonly streams: Pick<Broker['streams'], 'purge'>;
}

export interface PublisherOptions {
  readonly run: string;
  readonly plan: Plan;
  readonly broker: PublishingBroker;
  readonly clock: Clock;
  readonly source: ShardSource;
  /** Seals the shards. */
  readonly key: Pick<RunKey, 'shardSeal'>;
  /** Pieces of work that may be published ahead of the last completed one. */
  readonly window: number;
  /** Whether an evaluation may end the run: then no epoch is begun before the one before it is completed. */
  readonly isEndable: boolean;
  readonly log: Logger;
  readonly onPublished: (bytes: number) => void;
  readonly onError: (error: TrainingError) => void;
}

export interface PublishGeneration {
  readonly generation: number;
  readonly split: WorkSplit;
  readonly first: WorkItem;
}

interface Published {
  readonly item: WorkItem;
  readonly microBatches: number;
  /** Smallest sequence number of its messages; what lies before it can be purged once all earlier work is done. */
  firstSequence: number;
}

/** The generation that is being published. */
interface Feed extends PublishGeneration {
  readonly abort: AbortController;
  /** Published or under way, not completed, in order. */
  open: Published[];
  next: WorkItem | undefined;
  /** Of the ranks. */
  readonly seals: Map<number, ShardSeal>;
  /** Counts up when the stream was lost, so that what was published before it is published again. */
  streamVersion: number;
}

export class ShardPublisher {
  readonly #options: PublisherOptions;
  readonly #changed: Signal;
  #feed: Feed | undefined;
  #feeding: Promise<void> = Promise.resolve();
  /** Wakes each publish that waits for its acknowledgement. */
  readonly #inFlight = new Set<() => void>();
  #watching: Promise<void>;
  #isClosed = false;
  #isConnected = true;
  #purging: Promise<void> = Promise.resolve();
  #completedSincePurge = 0;
  /** One look at the stream at a time. */
  #restoring: Promise<void> | undefined;
  #stopLooking: () => void = () => undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#changed = createSignal(options.clock);
    this.#watching = this.#watchBroker();
  }

  /** Micro-batches that are published and not yet committed. */
  get backlog(): number {
    return this.#feed?.open.reduce((sum, { microBatches }) => sum + microBatches, 0) ?? 0;
  }

  /** Begins a generation; the one before must have been stopped. */
  start(request: PublishGeneration): void {
    this.stop();
    const feed: Feed = {
      ...request,
      abort: new AbortController(),
      open: [],
      next: request.first,
      seals: new Map(),
      streamVersion: 0,
    };
    this.#feed = feed;
    this.#stopLooking = repeat(this.#options.clock, LOOK_MS, () => {
      if (this.#isConnected) void this.#restoreStream();
    });
    this.#feeding = this.#feeding
      .then(() => this.#publishAll(feed))
      .catch((caught: unknown) => {
        if (!feed.abort.signal.aborted) this.#options.onError(TrainingError.from(caught, 'BROKER_UNREACHABLE'));
      });
  }

  /** Stops publishing at once and forgets what the generation had published. */
  stop(): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    this.#feed = undefined;
    this.#stopLooking();
    feed.abort.abort();
    this.#releasePublishes();
    this.#purge({ filter: this.#subjectsOf(feed) });
  }

  /** A piece of work is durable in the ledger: the window moves on. */
  complete(item: WorkItem): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const at = feed.open.findIndex((open) => open.item.kind === item.kind && open.item.step === item.step);
    if (at === -1) return;
    feed.open = feed.open.slice(at + 1);
    this.#changed.notify();
    this.#completedSincePurge += at + 1;
    const keptFrom = feed.open[0]?.firstSequence ?? Number.POSITIVE_INFINITY;
    if (this.#completedSincePurge < this.#options.window || !Number.isFinite(keptFrom)) return;
    this.#completedSincePurge = 0;
    this.#purge({ filter: this.#subjectsOf(feed), seq: keptFrom });
  }

  /** Ends it, and the connection; the stream is kept for a coordinator that has taken over. */
  async close(isLast: () => boolean): Promise<void> {
    this.#isClosed = true;
    this.stop();
    await this.#feeding;
    await this.#purging;
    await this.#restoring;
    await this.#options.broker.close(isLast() ? 'delete-stream' : 'keep-stream');
    await this.#watching;
  }

  async #publishAll(feed: Feed): Promise<void> {
    const { signal } = feed.abort;
    while (!signal.aborted) {
      const { next } = feed;
      if (next === undefined || feed.open.length >= this.#options.window || this.#mustWait(next, feed)) {
        await this.#changed.wait();
        continue;
      }
      const published: Published = {
        item: next,
        microBatches: this.#options.plan.microBatchCount(next),
        firstSequence: Number.POSITIVE_INFINITY,
      };
      feed.open.push(published);
      feed.next = this.#options.plan.next(next);
      const version = feed.streamVersion;
      await this.#publishItem(feed, published);
      if (version !== feed.streamVersion) rewind(feed);
    }
  }

  #mustWait({ kind, step }: WorkItem, { open }: Feed): boolean {
    const { plan, isEndable } = this.#options;
    if (kind === 'train' && step > plan.totalSteps) return true;
    const isFirstOfEpoch = kind === 'train' && step > 1 && plan.isLastOfEpoch(step - 1);
    return isEndable && isFirstOfEpoch && open.length > 0;
  }

  async #publishItem(feed: Feed, published: Published): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    const faults: unknown[] = [];
    for (const { rank, index } of interleave(published.microBatches, feed.split)) {
      if (feed.abort.signal.aborted || faults.length > 0) break;
      const publishing = this.#publishOne(feed, published, { rank, index })
        .catch((caught: unknown) => void faults.push(caught))
        .finally(() => inFlight.delete(publishing));
      inFlight.add(publishing);
      if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    if (faults.length > 0) throw faults[0];
  }

  async #publishOne(
    feed: Feed,
    published: Published,
    { rank, index }: { readonly rank: number; readonly index: number },
  ): Promise<void> {
    const { run, plan, source, key, broker, log } = this.#options;
    const { item } = published;
    const { generation } = feed;
    const seal = feed.seals.get(rank) ?? key.shardSeal(generation, rank);
    feed.seals.set(rank, seal);
    const payload = seal.seal(await source.encode(item, index, generation));
    const subject = shardSubject(run, generation, rank);
    const version = feed.streamVersion;
    const msgID = seal.idOf(`${run}.${generation}.${item.kind}.${plan.epochOf(item.step)}.${item.step}.${index}`);
    while (!feed.abort.signal.aborted && version === feed.streamVersion) {
      try {
        const acknowledged = broker.client.publish(subject, payload, { msgID, timeout: PUBLISH_TIMEOUT_MS });
        const seq = await this.#orReleased(acknowledged);
        if (seq === undefined) continue;
        published.firstSequence = Math.min(published.firstSequence, seq);
        this.#options.onPublished(payload.length);
        return;
      } catch (caught) {
        if (broker.connection.isClosed()) throw caught;
        log.warn(
          { generation, step: item.step, index, reason: TrainingError.from(caught).message },
          'shard not acknowledged, trying again',
        );
        if (feed.abort.signal.aborted) return;
        const woken = this.#changed.wait(RETRY_MS);
        if (this.#isConnected) void this.#restoreStream();
        await woken;
      }
    }
  }

  /** An acknowledgement that was under way when the connection broke, or the feed ended, never comes: undefined says to look again. */
  #orReleased(acknowledged: Promise<PubAck>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        resolve(undefined);
      };
      this.#inFlight.add(giveUp);
      void acknowledged
        .then(({ seq }) => {
          resolve(seq);
        }, reject)
        .finally(() => this.#inFlight.delete(giveUp));
    });
  }

  /** Follows the connection: after a reconnect the stream may be gone, and with it what was published. */
  async #watchBroker(): Promise<void> {
    const { broker, log } = this.#options;
    for await (const status of broker.connection.status()) {
      if (this.#isClosed) break;
      if (status.type === 'disconnect') {
        this.#isConnected = false;
        log.warn('the connection to the broker is lost; connecting again');
      } else if (status.type === 'reconnect') {
        this.#isConnected = true;
        // A look that began before the connection broke says nothing.
        await this.#restoring;
        await this.#restoreStream();
        this.#releasePublishes();
      }
    }
  }

  #restoreStream(): Promise<void> {
    this.#restoring ??= this.#lookAtStream().finally(() => {
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  /** Lets every publish that waits look again at what there is to do. */
  #releasePublishes(): void {
    for (const release of this.#inFlight) release();
    this.#changed.notify();
  }

  /** Makes the stream again if it is gone, and publishes what was in it again. */
  async #lookAtStream(): Promise<void> {
    const { broker, log } = this.#options;
    try {
      if ((await broker.ensureStream()) === 'kept') return;
      log.warn(
        { stream: broker.streamName },
        'the stream of the run was gone and is made again; its shards are published again',
      );
      const feed = this.#feed;
      if (feed !== undefined) {
        feed.streamVersion += 1;
        rewind(feed);
      }
      this.#releasePublishes();
    } catch (caught) {
      if (!this.#isClosed && !broker.connection.isClosed())
        log.warn({ reason: TrainingError.from(caught).message }, 'the stream cannot be restored yet');
    }
  }

  /** Of this generation alone: a coordinator that slept must not purge what its successor published. */
  #subjectsOf({ generation }: PublishGeneration): string {
    return shardSubject(this.#options.run, generation, 0).replace(/[^.]+$/, '*');
  }

  /** Purging saves the broker's memory; when it fails, the stream's own limits do the same later. */
  #purge(options: { readonly filter: string; readonly seq?: number }): void {
    const { broker, log } = this.#options;
    this.#purging = this.#purging.then(async () => {
      if (!this.#isConnected || broker.connection.isClosed()) return;
      await broker.streams.purge(broker.streamName, options).catch((caught: unknown) => {
        log.debug({ reason: TrainingError.from(caught).message }, 'purge failed');
      });
    });
  }
}

/** Takes back everything that is not completed. */
function rewind(feed: Feed): void {
  const [first] = feed.open;
  if (first === undefined) return;
  feed.next = first.item;
  feed.open = [];
}

/** All micro-batches with their ranks, so that every rank's first one comes early. */
function* interleave(
  microBatches: number,
  split: WorkSplit,
): Generator<{ readonly rank: number; readonly index: number }> {
  const ranges = split.slice(1).map((_, rank) => rangeOfRank(microBatches, split, rank));
  const longest = Math.max(...ranges.map(({ start, end }) => end - start));
  for (let offset = 0; offset < longest; offset++) {
    for (const [rank, { start, end }] of ranges.entries()) {
      if (start + offset < end) yield { rank, index: start + offset };
    }
  }
}
