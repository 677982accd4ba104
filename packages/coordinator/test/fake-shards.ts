/** The shards of one rank as a fake worker reads them: from a real broker, with their seals checked. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeShardMessage,
  shardStreamName,
  shardSubject,
  type ShardMessage,
  type ShardSeal,
  type WorkItem,
} from '@facet/shared';
import { createSignal } from '../src/shards/signal.js';

export interface FakeShardsOptions {
  readonly connection: NatsConnection;
  readonly subject: { readonly run: string; readonly generation: number; readonly rank: number };
  readonly seal: ShardSeal;
  /** Called for a message that the coordinator did not seal. */
  readonly onForged: () => void;
  /** Of the generation. */
  readonly signal: AbortSignal;
}

/** Waits for one micro-batch. @throws the signal's reason when the generation is over. */
export type FakeShards = (item: WorkItem, index: number) => Promise<ShardMessage>;

/** Consumes the subject of a rank until its generation is over; duplicates are dropped by identity. */
export function openFakeShards({ connection, subject, seal, onForged, signal }: FakeShardsOptions): FakeShards {
  const { run, generation, rank } = subject;
  const changed = createSignal();
  const arrived = new Map<string, ShardMessage>();
  const listen = async (): Promise<void> => {
    // An ordered consumer would take several filters, which a broker before 2.10 refuses.
    const stream = shardStreamName(run);
    const manager = await jetstreamManager(connection);
    const { name } = await manager.consumers.add(stream, {
      filter_subject: shardSubject(run, generation, rank),
      ack_policy: 'none',
      mem_storage: true,
    });
    const consumer = await jetstream(connection).consumers.get(stream, name);
    const messages = await consumer.consume({ abort_on_missing_resource: true, idle_heartbeat: 500, expires: 1_000 });
    signal.addEventListener('abort', () => {
      messages.stop();
    });
    for await (const message of messages) {
      const opened = seal.open(message.data);
      if (opened === undefined) {
        onForged();
        continue;
      }
      const shard = decodeShardMessage(opened);
      arrived.set(`${shard.kind}.${shard.step}.${shard.index}`, shard);
      changed.notify();
    }
  };
  const listenAgain = async (): Promise<void> => {
    while (!signal.aborted) {
      // The broker may have forgotten the stream or the consumer, or be away.
      await listen().catch(() => changed.wait(50));
    }
  };
  signal.addEventListener('abort', () => {
    changed.notify();
  });
  void listenAgain();
  return async ({ kind, step }, index) => {
    for (;;) {
      signal.throwIfAborted();
      const shard = arrived.get(`${kind}.${step}.${index}`);
      if (shard !== undefined) return shard;
      await changed.wait();
    }
  };
}
