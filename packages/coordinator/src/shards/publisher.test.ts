import { createPlan, OPERATION_DEFAULTS, SHARD_SEAL_BYTES, ShardSeal, type Plan } from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import { createLogger } from '@facet/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../../test/testkit/manual-clock.js';
import { endablePlan } from '../run/endable-plan.js';
import { ShardPublisher, type PublishingBroker } from './publisher.js';

const TRAIN = { kind: 'train', step: 1 } as const;
/** Every step has four micro-batches. */
const PLAN = createPlan(
  {
    ...SYSTEM_TRAINING,
    ...OPERATION_DEFAULTS,
    ...{ run: 'tiny', epochs: 2, samples: { train: 0, test: 0, heldOut: 0 } },
    batch: { global: 16, micro: 4 },
  },
  { trainSamples: 64, testSamples: 20 },
);

interface Status {
  readonly type: 'disconnect' | 'reconnect';
}

/** A broker whose stream can be deleted, and whose answers can stay away. */
class MemoryBroker implements PublishingBroker {
  readonly streamName = 'tiny';
  /** Ids of the messages in the stream; undefined when there is no stream. */
  stream: string[] | undefined = [];
  isSilent = false;
  made = 0;
  looks = 0;
  tried = 0;
  #tell: ((status: IteratorResult<Status, undefined>) => void) | undefined;
  #untold: Status[] = [];
  readonly connection = {
    isClosed: () => false,
    status: () => ({ [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) }) as never,
  };
  readonly client = {
    publish: (_subject: string, _payload: unknown, { msgID = '' } = {}) => {
      this.tried += 1;
      if (this.isSilent) return new Promise<never>(() => undefined);
      if (this.stream === undefined) return Promise.reject(new Error('no responders'));
      this.stream.push(msgID);
      return Promise.resolve({ stream: 'tiny', domain: '', seq: this.stream.length, duplicate: false });
    },
  };
  readonly streams = { purge: () => Promise.resolve({ success: true, purged: 0 }) };

  ensureStream(): Promise<'kept' | 'made'> {
    this.looks += 1;
    if (this.stream !== undefined) return Promise.resolve('kept');
    this.stream = [];
    this.made += 1;
    return Promise.resolve('made');
  }

  say(type: Status['type']): void {
    const tell = this.#tell;
    this.#tell = undefined;
    if (tell === undefined) this.#untold.push({ type });
    else tell({ done: false, value: { type } });
  }

  close(): Promise<void> {
    this.#tell?.({ done: true, value: undefined });
    return Promise.resolve();
  }

  #next(): Promise<IteratorResult<Status, undefined>> {
    const value = this.#untold.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
}

let broker: MemoryBroker;
/** Shows what it is asked to hide. */
class ReadableIds extends ShardSeal {
  override idOf(name: string): string {
    return name;
  }
}

const KEY = { shardSeal: () => new ReadableIds(new Uint8Array(32)) };
let clock: ManualClock;
let publisher: ShardPublisher;
let errors: string[];

beforeEach(() => {
  broker = new MemoryBroker();
  clock = new ManualClock();
  errors = [];
  publisher = makePublisher(PLAN, false);
});

function makePublisher(plan: Plan, isEndable: boolean): ShardPublisher {
  return new ShardPublisher({
    run: 'tiny',
    plan,
    broker,
    clock,
    source: { encode: () => Promise.resolve(new Uint8Array(1 + SHARD_SEAL_BYTES)), messageBytes: 1, windowBytes: 8 },
    key: KEY,
    window: 2,
    isEndable,
    log: createLogger('test', 'silent'),
    onPublished: () => undefined,
    onError: ({ message }) => errors.push(message),
  });
}

afterEach(async () => {
  await publisher.close(() => true);
  expect(errors).toEqual([]);
});

const start = (generation = 1): void => {
  publisher.start({ generation, split: [0, 1, 2], first: TRAIN });
};
const steps = (): readonly string[] => [...new Set(broker.stream?.map((id) => id.split('.')[4] ?? ''))];
/** Waits until the stream has so many messages; no time passes. */
const holds = (count: number): Promise<void> =>
  vi.waitFor(() => {
    expect(broker.stream).toHaveLength(count);
  });

describe('a publisher', () => {
  it('publishes a window ahead of what is completed, and goes on as work is completed', async () => {
    start();
    await holds(8);
    expect(publisher.backlog).toBe(8);
    expect(steps()).toEqual(['1', '2']);
    publisher.complete(TRAIN);
    await holds(12);
    expect(steps()).toEqual(['1', '2', '3']);
  });

  it('begins no epoch before an evaluation that may end the run is completed, and none after the end', async () => {
    await publisher.close(() => true);
    broker = new MemoryBroker();
    const plan = endablePlan(PLAN);
    publisher = makePublisher(plan, true);
    publisher.start({ generation: 1, split: [0, 1], first: { kind: 'train', step: 4 } });
    // Four micro-batches of the last step, and five of the evaluation after it.
    await holds(9);
    publisher.complete({ kind: 'train', step: 4 });
    publisher.complete({ kind: 'evaluate', step: 4 });
    await holds(17);
    expect(steps()).toEqual(['4', '5', '6']);

    publisher.start({ generation: 2, split: [0, 1], first: { kind: 'evaluate', step: 4 } });
    await holds(22);
    plan.endEarly({ afterStep: 4, epochs: { from: 2, to: 1 }, reason: 'enough' });
    publisher.complete({ kind: 'evaluate', step: 4 });
    await publisher.close(() => true);
    expect(broker.stream).toHaveLength(22);
  });

  it('publishes what is not completed again when the stream is gone although all was published', async () => {
    start();
    await holds(8);
    publisher.complete(TRAIN);
    await holds(12);
    broker.stream = undefined;
    clock.advance(999);
    expect(broker.looks).toBe(0);
    clock.advance(1);
    await holds(8);
    expect(steps()).toEqual(['2', '3']);
  });

  it('makes the stream again as soon as a publish fails, and begins with what was not completed', async () => {
    start();
    await holds(8);
    broker.stream = undefined;
    publisher.complete(TRAIN);
    await holds(8);
    expect(clock.now()).toBe(0);
    expect(broker.made).toBe(1);
    expect(steps()).toEqual(['2', '3']);
  });

  it('looks at no stream while the connection is lost, and at once when it is back', async () => {
    start();
    await holds(8);
    broker.say('disconnect');
    await vi.waitFor(() => {
      clock.advance(1_000);
      const { looks } = broker;
      clock.advance(1_000);
      expect(broker.looks).toBe(looks);
    });
    broker.stream = undefined;
    broker.say('reconnect');
    await holds(8);
  });

  it('publishes again what was not acknowledged before the connection broke', async () => {
    broker.isSilent = true;
    start();
    await vi.waitFor(() => {
      expect(broker.tried).toBe(4);
    });
    broker.isSilent = false;
    broker.say('disconnect');
    broker.say('reconnect');
    await holds(8);
    expect(broker.tried).toBe(12);
  });

  it('waits for no acknowledgement once it is stopped: the next generation is published at once', async () => {
    broker.isSilent = true;
    start();
    await vi.waitFor(() => {
      expect(broker.tried).toBe(4);
    });
    publisher.stop();
    broker.isSilent = false;
    start(2);
    await holds(8);
    expect(broker.stream?.every((id) => id.startsWith('tiny.2.'))).toBe(true);
    publisher.stop();
    clock.advance(10_000);
    expect(broker.looks).toBe(0);
  });
});
