/** A feed of shards whose subscriptions and messages a test makes, for a run of three epochs of 40 samples. */
import {
  createPlan,
  encodeShardMessage,
  SHARD_SEAL_BYTES,
  ShardSeal,
  packSamples,
  systemClock,
  type Clock,
  type SampleBatch,
  type SampleFields,
  type ShardMessage,
  type WorkItem,
} from '@facet/shared';
import { openShardSource, type ShardMessages, type ShardSourceOptions } from '../src/data/shard-source.js';

export const plan = createPlan(
  { seed: 1, epochs: 3, batch: { global: 4, micro: 2 } },
  { trainSamples: 40, testSamples: 4 },
);
export const start: WorkItem = { kind: 'train', step: 1 };
export const FIELDS: SampleFields = { label: { type: 'uint8', shape: [] }, at: { type: 'float32', shape: [2] } };

/** Every sample is told from every other by its values. */
export const valuesOf = (ids: Uint32Array): SampleBatch['fields'] => ({
  label: Uint8Array.from(ids, (id) => id % 10),
  at: Float32Array.from([...ids].flatMap((id) => [id, id / 7])),
});

/** A subscription as NATS gives it: its `close` resolves only when somebody reads it to the end. */
export class Subscription implements ShardMessages {
  isClosed = false;
  #queue: Uint8Array[] = [];
  #wake: () => void = () => undefined;
  #onRead: () => void = () => undefined;
  readonly #isRead = new Promise<void>((resolve) => {
    this.#onRead = resolve;
  });

  push(data: Uint8Array): void {
    this.#queue.push(data);
    this.#wake();
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#wake();
    return this.#isRead;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ readonly data: Uint8Array }> {
    try {
      for (;;) {
        for (let data = this.#queue.shift(); data !== undefined; data = this.#queue.shift()) yield { data };
        if (this.isClosed) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#onRead();
    }
  }
}

export const SEAL = new ShardSeal(new Uint8Array(32));

/** A source whose subscriptions are made when the test says so. */
export function openWith(
  clock: Clock = systemClock,
  changes: Partial<Pick<ShardSourceOptions, 'local' | 'start'>> = {},
) {
  const asked: { readonly make: (made: Subscription) => void; readonly refuse: (error: Error) => void }[] = [];
  const abort = new AbortController();
  const forged = { count: 0 };
  const source = openShardSource({
    feed: {
      server: 'broker:1',
      subscribe: () => new Promise((make, refuse) => asked.push({ make, refuse })),
    },
    seal: SEAL,
    onForged: () => {
      forged.count += 1;
    },
    clock,
    run: 'r',
    generation: 1,
    rank: 0,
    plan,
    start,
    window: 2,
    fields: FIELDS,
    local: undefined,
    timeoutMs: 1_000,
    signal: abort.signal,
    ...changes,
  });
  return { source, asked, abort, forged };
}

export const shardOf = (item: WorkItem, index: number): ShardMessage => {
  const ids = plan.microBatch(item, index);
  return { ...item, generation: 1, epoch: plan.epochOf(item.step), index, ids };
};

export const messageOf = (item: WorkItem, index: number, fields = FIELDS): Uint8Array => {
  const shard = shardOf(item, index);
  const samples = packSamples(fields, valuesOf(shard.ids), shard.ids.length);
  return SEAL.seal(encodeShardMessage({ ...shard, samples }, SHARD_SEAL_BYTES));
};

/** What comes with `data: local`. */
export const idsOf = (item: WorkItem, index: number): Uint8Array =>
  SEAL.seal(encodeShardMessage(shardOf(item, index), SHARD_SEAL_BYTES));

/** Whether a promise settles without waiting for anything but other promises. */
export const settlesNow = async (promise: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  void promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return isSettled;
};
