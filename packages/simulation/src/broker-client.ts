/**
 * The clients of the virtual broker: the coordinator's, which publishes and connects again after every loss, that of whoever reads or
 * writes the lease, and a worker's subscription, which goes on where it was, as an ordered consumer does, or ends when the stream is gone.
 */
import type { LeaseReading, LeaseStore, PublishingBroker } from '@facet/coordinator/internal';
import { pause, shardSubject, TrainingError } from '@facet/shared';
import type { ShardFeed } from '@facet/worker/internal';
import { AsyncQueue } from './async-queue.js';
import {
  BROKER_ADDRESS,
  type BrokerCall,
  type BrokerReply,
  type BrokerRequest,
  type StoredMessage,
} from './broker-server.js';
import type { Endpoint, Network } from './network.js';
import type { Process } from './world.js';

const RECONNECT_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 5_000;
const LEASE_TIMEOUT_MS = 500;

/**
 * Connects the coordinator and makes the run's stream anew.
 *
 * @throws TrainingError BROKER_UNREACHABLE
 */
export async function connectPublisher(network: Network, process: Process, run: string): Promise<PublishingBroker> {
  const client = new BrokerConnection(network, process);
  if (!(await client.open())) throw new TrainingError('BROKER_UNREACHABLE', 'no broker answers');
  await client.call({ op: 'remake' }, REQUEST_TIMEOUT_MS).catch((caught: unknown) => {
    throw TrainingError.from(caught, 'BROKER_UNREACHABLE');
  });
  return {
    streamName: run,
    connection: {
      status: () => client.statuses as ReturnType<PublishingBroker['connection']['status']>,
      isClosed: () => client.isClosed,
    },
    client: {
      async publish(subject, payload, options) {
        const { msgID = '', timeout = REQUEST_TIMEOUT_MS } = options ?? {};
        const seq = await client.call({ op: 'publish', subject, msgId: msgID, data: payload as Uint8Array }, timeout);
        if (typeof seq !== 'number') throw new Error('no responders');
        return { stream: run, domain: '', seq, duplicate: false };
      },
    },
    streams: {
      async purge(_name, options) {
        const { filter, seq } = (options ?? {}) as { readonly filter?: string; readonly seq?: number };
        const range = { filter: filter ?? '*', ...(seq !== undefined && { before: seq }) };
        await client.call({ op: 'purge', ...range }, REQUEST_TIMEOUT_MS);
        return { success: true, purged: 0 };
      },
    },
    async ensureStream() {
      return (await client.call({ op: 'ensure' }, REQUEST_TIMEOUT_MS)) === 'kept' ? 'kept' : 'made';
    },
    async close(stream) {
      if (stream === 'delete-stream') await client.call({ op: 'delete' }, REQUEST_TIMEOUT_MS).catch(() => undefined);
      client.close();
    },
  };
}

/**
 * Connects a candidate, or a worker that looks for its leader.
 *
 * @throws TrainingError BROKER_UNREACHABLE
 */
export async function openLeaseStore(network: Network, process: Process): Promise<LeaseStore> {
  const client = new BrokerConnection(network, process);
  if (!(await client.open())) throw new TrainingError('BROKER_UNREACHABLE', 'no broker answers');
  return {
    read: async () => (await client.call({ op: 'read-lease' }, LEASE_TIMEOUT_MS)) as LeaseReading,
    async write(entry, over) {
      const revision = await client.call({ op: 'write-lease', entry, over }, LEASE_TIMEOUT_MS);
      return typeof revision === 'number' ? revision : undefined;
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

class BrokerConnection {
  readonly statuses = new AsyncQueue<{ readonly type: 'disconnect' | 'reconnect' }>();
  readonly #network: Network;
  readonly #process: Process;
  readonly #waiting = new Map<number, (value: BrokerReply['value']) => void>();
  #endpoint: Endpoint | undefined;
  #unsent: unknown[] = [];
  #calls = 0;
  #isClosed = false;

  constructor(network: Network, process: Process) {
    this.#network = network;
    this.#process = process;
  }

  /** Connects; true when the broker answered. */
  open(): Promise<boolean> {
    const endpoint = this.#network.connect(this.#process, BROKER_ADDRESS, { kind: 'client' } satisfies BrokerRequest);
    return new Promise((resolve) => {
      const fail = (): void => {
        cancel();
        resolve(false);
      };
      const cancel = this.#process.clock.schedule(CONNECT_TIMEOUT_MS, () => {
        endpoint.close();
        resolve(false);
      });
      endpoint.onClosed = fail;
      endpoint.onMessage = () => {
        cancel();
        this.#adopt(endpoint);
        resolve(true);
      };
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  call(call: BrokerCall, timeoutMs: number): Promise<BrokerReply['value']> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      const cancel = this.#process.clock.schedule(timeoutMs, () => {
        this.#waiting.delete(id);
        reject(new Error('timeout'));
      });
      this.#waiting.set(id, (value) => {
        cancel();
        resolve(value);
      });
      if (this.#endpoint === undefined) this.#unsent.push({ id, call });
      else this.#endpoint.send({ id, call });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#endpoint?.close();
    this.statuses.end();
  }

  #adopt(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    for (const message of this.#unsent.splice(0)) endpoint.send(message);
    endpoint.onMessage = (message) => {
      const { id, value } = message as BrokerReply;
      const settle = this.#waiting.get(id);
      this.#waiting.delete(id);
      settle?.(value);
    };
    endpoint.onClosed = () => {
      this.#endpoint = undefined;
      this.statuses.push({ type: 'disconnect' });
      void this.#reconnect();
    };
  }

  async #reconnect(): Promise<void> {
    while (!this.#isClosed) {
      await pause(this.#process.clock, RECONNECT_MS);
      if (await this.open()) {
        this.statuses.push({ type: 'reconnect' });
        return;
      }
    }
  }
}

/** Where a worker's shards come from. As over NATS, a consumer is made by a request that takes its time, and may fail. */
export function shardFeedOf(network: Network, process: Process): ShardFeed {
  return {
    server: BROKER_ADDRESS,
    async subscribe(run, generation, rank) {
      const subscription = { network, process, subject: shardSubject(run, generation, rank), after: 0 };
      const messages = new AsyncQueue<StoredMessage>();
      follow(subscription, await openConsumer(subscription), messages);
      return Object.assign(messages, {
        // As NATS's own messages: closed once the reader has seen the end, and never when there is no reader.
        close: () => {
          messages.end();
          return messages.readToEnd;
        },
      });
    },
  };
}

interface Subscription {
  readonly network: Network;
  readonly process: Process;
  readonly subject: string;
  /** Sequence number of the last message. */
  readonly after: number;
}

/** Asks for a consumer until the broker answers; rejects when there is no stream, or no answer for too long. */
async function openConsumer({ network, process, subject, after }: Subscription): Promise<Endpoint> {
  const deadlineMs = process.clock.now() + REQUEST_TIMEOUT_MS;
  const request: BrokerRequest = { kind: 'subscribe', subject, after };
  while (process.clock.now() < deadlineMs) {
    const endpoint = network.connect(process, BROKER_ADDRESS, request);
    const answer = await firstAnswer(endpoint, process, deadlineMs);
    if (answer === 'subscribed') return endpoint;
    if (answer === 'no stream') throw new Error('stream not found');
    await pause(process.clock, RECONNECT_MS);
  }
  throw new Error('timeout');
}

/** Undefined when the connection is lost first, or the time is over. */
function firstAnswer(endpoint: Endpoint, process: Process, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const cancel = process.clock.schedule(deadlineMs - process.clock.now(), () => {
      endpoint.close();
      resolve(undefined);
    });
    endpoint.onClosed = () => {
      cancel();
      resolve(undefined);
    };
    endpoint.onMessage = (answer) => {
      cancel();
      resolve(answer);
    };
  });
}

function follow(subscription: Subscription, endpoint: Endpoint, messages: AsyncQueue<StoredMessage>): void {
  const { world } = subscription.network;
  let { after } = subscription;
  messages.onEnd = () => {
    endpoint.close();
  };
  endpoint.onMessage = (message) => {
    after = (message as StoredMessage).sequence;
    messages.push(message as StoredMessage);
  };
  endpoint.onClosed = () => {
    // A consumer that had begun goes on where it was, even in a stream that was made anew; one that had not ends.
    if (after === 0 || world.chance(0.5)) messages.end();
    else void followAgain({ ...subscription, after }, messages);
  };
}

async function followAgain(subscription: Subscription, messages: AsyncQueue<StoredMessage>): Promise<void> {
  await pause(subscription.process.clock, RECONNECT_MS);
  const endpoint = messages.isOver ? undefined : await openConsumer(subscription).catch(() => undefined);
  if (endpoint === undefined) messages.end();
  else if (messages.isOver) endpoint.close();
  else follow(subscription, endpoint, messages);
}
