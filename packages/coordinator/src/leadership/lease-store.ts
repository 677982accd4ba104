/**
 * The leases of all runs in the broker's JetStream, one entry each, written by compare-and-set on the entry's revision. It is laid out
 * as a key-value bucket of NATS. A broker that lost its store gets the bucket anew. Nothing here decides who may lead.
 */
import { jetstream, JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import {
  decodeLeaseEntry,
  encodeLeaseEntry,
  LEASE_STREAM,
  LEASE_SUBJECTS,
  leaseSubject,
  type LeaseEntry,
} from '@facet/shared';
import { connectCoordinator, managerOf } from '../nats/connect-broker.js';

/** Deadline of one request: a part of the shortest sensible lease, so that a lost renewal can be sent again in time. */
const REQUEST_TIMEOUT_MS = 500;
/** Entries of runs that are over go away; one that is held is renewed all the time. */
const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_ENTRY_BYTES = 4_096;

export interface StoredLease {
  readonly entry: LeaseEntry;
  readonly revision: number;
}

/** Where one run's lease is kept. Every call ends within about half a second; one that finds no broker rejects. */
export interface LeaseStore {
  read(): Promise<StoredLease | undefined>;
  /**
   * Writes when the revision is still `over` (0: when there is no entry).
   *
   * @returns the new revision; undefined when somebody else wrote meanwhile
   */
  write(entry: LeaseEntry, over: number): Promise<number | undefined>;
  close(): Promise<void>;
}

/**
 * Connects to the broker and makes the bucket where there is none.
 *
 * @throws TrainingError BROKER_UNREACHABLE or BROKER_NO_JETSTREAM.
 */
export async function openLeaseStore({
  url,
  run,
}: {
  readonly url: string;
  readonly run: string;
}): Promise<LeaseStore> {
  const connection = await connectCoordinator(url);
  try {
    const manager = await managerOf(connection, { url, timeoutMs: REQUEST_TIMEOUT_MS });
    const client = jetstream(connection, { timeout: REQUEST_TIMEOUT_MS });
    await makeBucket(manager);
    return {
      read: () => readLease(manager, run),
      async write(entry, over) {
        const expect = { lastSubjectSequence: over };
        try {
          return (await client.publish(leaseSubject(run), encodeLeaseEntry(entry), { expect })).seq;
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

async function readLease(manager: JetStreamManager, run: string): Promise<StoredLease | undefined> {
  try {
    const found = await manager.streams.getMessage(LEASE_STREAM, { last_by_subj: leaseSubject(run) });
    return found === null ? undefined : { entry: decodeLeaseEntry(found.string()), revision: found.seq };
  } catch (caught) {
    if (!(caught instanceof JetStreamApiError) || caught.code !== JetStreamApiCodes.StreamNotFound) throw caught;
    await makeBucket(manager);
    return undefined;
  }
}

async function makeBucket(manager: JetStreamManager): Promise<void> {
  await manager.streams.add({
    name: LEASE_STREAM,
    subjects: [LEASE_SUBJECTS],
    max_msgs_per_subject: 1,
    max_age: nanos(MAX_AGE_MS),
    max_msg_size: MAX_ENTRY_BYTES,
    discard: 'new',
    storage: 'file',
    allow_rollup_hdrs: true,
    deny_delete: true,
    num_replicas: 1,
  });
}
