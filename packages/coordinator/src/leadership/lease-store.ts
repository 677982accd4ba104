/**
 * The leases of all runs in the broker's JetStream, one entry each, written by compare-and-set on the entry's revision. It is laid out
 * as a key-value bucket of NATS. A broker that lost its store gets the bucket anew. Nothing here decides who may lead.
 */
import {
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import {
  decodeLeaseEntry,
  encodeLeaseEntry,
  isSignedLeaseEntry,
  LEASE_STREAM,
  LEASE_SUBJECTS,
  leaseSubject,
  signLeaseEntry,
  TrainingError,
  UNKNOWN_LEASE_ENTRY,
  type LeaseEntry,
  type LeaseSigner,
  whileElecting,
} from '@facet/shared';
import { connectCoordinator, managerOf, type RunBroker } from '../nats/connect-broker.js';
import { makeSharedStream, type NamedStream } from '../nats/make-stream.js';

/** Deadline of one request: a part of the shortest sensible lease, so that a lost renewal can be sent again in time. */
const REQUEST_TIMEOUT_MS = 500;
/** Entries of runs that are over go away; one that is held is renewed all the time. */
const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_ENTRY_BYTES = 4_096;
/** For thousands of runs. Some accounts demand a limit, and count it as used. */
const MAX_BUCKET_BYTES = 8 * 1024 * 1024;
/** The mark of all entries that no coordinator of the run wrote. */
const FORGED = 'forged';
const NOT_SIGNED = 'the entry is not signed by a coordinator of this run';

export interface StoredLease {
  readonly entry: LeaseEntry;
  readonly revision: number;
  /** Why the entry cannot be read. It is then that of an unknown holder. */
  readonly unreadable?: string;
  /** No coordinator of the run wrote it. It is then that of an unknown holder, which a leader writes over. */
  readonly isForged?: boolean;
}

/** What the store has. */
export interface LeaseReading {
  /** Undefined when there is no entry. */
  readonly held: StoredLease | undefined;
  /** Unlike that of every other entry, and of every other store without an entry, also of one that has forgotten everything. */
  readonly mark: string;
}

/** Where one run's lease is kept. Every call ends within about half a second; one that finds no broker rejects. */
export interface LeaseStore {
  read(): Promise<LeaseReading>;
  /**
   * Writes when the revision is still `over` (0: when there is no entry).
   *
   * @returns the new revision; undefined when somebody else wrote meanwhile
   */
  write(entry: LeaseEntry, over: number): Promise<number | undefined>;
  close(): Promise<void>;
}

export interface LeaseStoreOptions extends RunBroker {
  /** How many servers of a cluster keep the leases. Default: 1. */
  readonly replicas?: number;
  /** Signs and checks entries; undefined before the run has a key. */
  readonly signer: () => Promise<LeaseSigner | undefined>;
  /**
   * Whether all entries of this version that no coordinator of the run wrote count as one, so that writing them again and again holds
   * nobody up. Not for the first coordinator: such an entry may be that of another run of the same name.
   */
  readonly ignoresForged: boolean;
}

/**
 * Connects to the broker and makes the bucket where there is none.
 *
 * @throws TrainingError BROKER_UNREACHABLE, BROKER_REFUSED, BROKER_NO_JETSTREAM, or CONFIG_INVALID when it cannot keep so many copies.
 */
export async function openLeaseStore(options: LeaseStoreOptions): Promise<LeaseStore> {
  const { url, run, signer } = options;
  const connection = await connectCoordinator(options);
  try {
    const manager = await managerOf(connection, { url, timeoutMs: REQUEST_TIMEOUT_MS });
    const client = jetstream(connection, { timeout: REQUEST_TIMEOUT_MS });
    await whileElecting(connection, () => makeBucket(manager, options));
    return {
      read: () => readLease(manager, options),
      async write(entry, over) {
        const expect = { lastSubjectSequence: over };
        const key = await signer();
        const signed = key === undefined ? entry : signLeaseEntry(entry, run, key);
        try {
          return (await client.publish(leaseSubject(run), encodeLeaseEntry(signed), { expect })).seq;
        } catch (caught) {
          if (caught instanceof JetStreamApiError && caught.code === JetStreamApiCodes.StreamWrongLastSequence)
            return undefined;
          throw caught;
        }
      },
      close: () => connection.close(),
    };
  } catch (caught) {
    await connection.close();
    throw caught;
  }
}

async function readLease(manager: JetStreamManager, options: LeaseStoreOptions): Promise<LeaseReading> {
  const { run, signer, ignoresForged } = options;
  try {
    const found = await manager.streams.getMessage(LEASE_STREAM, { last_by_subj: leaseSubject(run) });
    if (found !== null) {
      // A broker that has forgotten gives the same number to another entry, but not at the same time.
      const held = readEntry(found.string(), { run, revision: found.seq, signer: await signer() });
      const isOne = held.unreadable === NOT_SIGNED && ignoresForged;
      return { held, mark: isOne ? FORGED : `${found.seq}@${found.timestamp}` };
    }
    // In this order: the store is at least as new as the answer that it has no entry.
    const { created } = await manager.streams.info(LEASE_STREAM);
    return { held: undefined, mark: `none@${created}` };
  } catch (caught) {
    if (!(caught instanceof JetStreamApiError) || caught.code !== JetStreamApiCodes.StreamNotFound) throw caught;
    const { created } = await makeBucket(manager, options);
    return { held: undefined, mark: `none@${created}` };
  }
}

/** An entry that cannot be read may be that of a leader of another version: it runs out like every other. */
function readEntry(
  text: string,
  {
    run,
    revision,
    signer,
  }: { readonly run: string; readonly revision: number; readonly signer: LeaseSigner | undefined },
): StoredLease {
  try {
    const entry = decodeLeaseEntry(text);
    if (signer === undefined || isSignedLeaseEntry(entry, run, signer)) return { entry, revision };
    return { entry: UNKNOWN_LEASE_ENTRY, revision, unreadable: NOT_SIGNED, isForged: true };
  } catch (caught) {
    const unreadable = TrainingError.from(caught).message;
    return { entry: UNKNOWN_LEASE_ENTRY, revision, unreadable, ...(signer !== undefined && { isForged: true }) };
  }
}

function makeBucket(manager: JetStreamManager, { url, replicas = 1 }: LeaseStoreOptions): Promise<StreamInfo> {
  const bucket = {
    name: LEASE_STREAM,
    subjects: [LEASE_SUBJECTS],
    max_msgs_per_subject: 1,
    max_age: nanos(MAX_AGE_MS),
    max_msg_size: MAX_ENTRY_BYTES,
    max_bytes: MAX_BUCKET_BYTES,
    discard: 'new',
    storage: 'file',
    allow_rollup_hdrs: true,
    deny_delete: true,
    num_replicas: replicas,
  } satisfies NamedStream;
  return makeSharedStream(manager, bucket, url);
}
