/**
 * Makes the streams of a run in a broker: with as many copies as were asked for, and with a limit if the account demands one.
 */
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { addOrFind, demandsMaxBytes, replicaProblem, whileElecting } from '@facet/shared';
import { refused } from '../store/store-errors.js';

/** If an account demands a limit and nobody named one. */
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024 * 1024;
/** A ledger has some hundred bytes per step. */
const LEDGER_SHARE = 1 / 16;
/** Of what the account has left: another run may come. */
const SHARE_OF_ROOM = 1 / 2;

export interface StreamMaker {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly place: string;
  /** With the login; it gets into no message. */
  readonly url: string;
  readonly replicas: number;
  /** Of the objects of a run. Absent: as much as there is, or a default if the account demands a limit. */
  readonly maxBytes: number | undefined;
}

export interface WantedStream {
  readonly name: string;
  readonly subjects: string[];
  /** `log`: nothing is ever deleted from it. `objects`: one message per subject. */
  readonly kind: 'log' | 'objects';
}

/**
 * Makes a stream, or finds it.
 *
 * @throws TrainingError STORE_REFUSED when the broker cannot keep so many copies; what the client throws.
 */
export async function makeStream(maker: StreamMaker, wanted: WantedStream): Promise<void> {
  const { connection, manager, place, url, replicas } = maker;
  const { kind, name } = wanted;
  const config: Partial<StreamConfig> & { readonly name: string; readonly num_replicas: number } = {
    name,
    subjects: wanted.subjects,
    storage: 'file',
    // What does not fit is refused. The default would remove the oldest.
    discard: 'new',
    num_replicas: replicas,
    ...(kind === 'log' ? { deny_delete: true, deny_purge: true } : { allow_direct: true, max_msgs_per_subject: 1 }),
    ...(maker.maxBytes !== undefined && { max_bytes: limitOf(kind, maker.maxBytes) }),
  };
  try {
    await whileElecting(connection, () => addOrFind(manager.streams, config));
  } catch (caught) {
    if (demandsMaxBytes(caught)) {
      const limited: typeof config = { ...config, max_bytes: limitOf(kind, await roomIn(maker)) };
      await whileElecting(connection, () => addOrFind(manager.streams, limited));
      return;
    }
    const problem = replicaProblem(caught, { url, replicas });
    if (problem === undefined) throw caught;
    throw refused(place, problem, 'FACET_STORE_REPLICAS says another number for the store alone', caught);
  }
}

function limitOf(kind: WantedStream['kind'], bytes: number): number {
  return Math.floor(kind === 'log' ? bytes * LEDGER_SHARE : bytes);
}

/** What the objects of a run may take in an account that demands a limit. The broker counts a limit as used, once per copy. */
async function roomIn({ manager, replicas }: StreamMaker): Promise<number> {
  const { limits, storage, ...more } = await manager.getAccountInfo();
  // nats-server 2.9 does not say what is reserved.
  const { reserved_storage: reserved = 0 }: { readonly reserved_storage?: number } = more;
  const used = Math.max(storage, reserved);
  const { max_storage: all, storage_max_stream_bytes: perStream } = limits;
  const free = all < 0 ? Number.POSITIVE_INFINITY : ((all - used) / replicas) * SHARE_OF_ROOM;
  const most = perStream > 0 ? perStream : Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor(Math.min(DEFAULT_MAX_BYTES, free, most)));
}
