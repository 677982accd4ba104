/**
 * Runs in a NATS broker with JetStream: per run one stream for the ledger and one for the objects. Nothing is made before
 * the first write.
 */
import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { connect, credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import { brokerTls, type TlsIdentity } from '@facet/security';
import {
  connectBroker,
  ConsumerWatch,
  inboxOf,
  isRunName,
  maskUrl,
  isStreamMissing,
  whileElecting,
  type BrokerCredentials,
  type BrokerPatience,
} from '@facet/shared';
import type { RunStore, Store } from '../store/run-store.js';
import { translate } from './nats-errors.js';
import { natsLedger } from './nats-ledger.js';
import { LEDGER_STREAM_PREFIX, OBJECT_STREAM_PREFIX, runNames } from './nats-names.js';
import type { NatsRun } from './nats-run.js';
import { natsObjects } from './nats-objects.js';
import { STRAY_AFTER_MS } from './nats-strays.js';
import { makeStream, type StreamMaker, type WantedStream } from './nats-streams.js';

const REQUEST_TIMEOUT_MS = 5_000;
/** Larger messages are no faster, and a broker keeps each one in memory while it is on its way. */
const MOST_PIECE_BYTES = 512 * 1024;
/** Of the broker's largest message, for headers and subject. */
const HEADER_BYTES = 4_096;
const CLIENT = { connect, credsAuthenticator, nkeyAuthenticator };

export interface NatsStoreOptions {
  /** With the login, if the broker asks for one. */
  readonly url: string;
  readonly tls?: TlsIdentity | undefined;
  /** How many brokers of a cluster keep each message. */
  readonly replicas?: number;
  /** Of the objects of a run. Default: no limit, unless the account demands one. */
  readonly maxBytes?: number | undefined;
  /** An upload to which nothing was added for so long was cut short, and is removed. Default: an hour. */
  readonly strayAfterMs?: number;
  /** A key, if the URL has no login. */
  readonly credentials?: BrokerCredentials | undefined;
  /** The run that it is opened for, if it is one alone: a user of the broker may be allowed no other. */
  readonly run?: string | undefined;
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

/**
 * Connects to a broker.
 *
 * @throws TrainingError BROKER_UNREACHABLE, BROKER_REFUSED, or STORE_REFUSED when it has no JetStream.
 */
export async function openNatsStore({
  url,
  tls,
  credentials,
  run,
  replicas = 1,
  maxBytes,
  strayAfterMs = STRAY_AFTER_MS,
  patience,
}: NatsStoreOptions): Promise<Store> {
  const advice = 'start it with `nats-server -js`, or name another store with --store';
  const inbox = run === undefined ? undefined : inboxOf('coordinator', run);
  const access = { credentials, inbox, patience, ...brokerTls({ url, tls }) };
  const connection = await connectBroker(url, { client: CLIENT, name: 'facet-store', advice, ...access });
  const place = withoutLogin(url);
  try {
    const manager = await whileElecting(connection, () =>
      jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS }),
    );
    return new NatsStore({ connection, manager, place, url, replicas, maxBytes }, strayAfterMs);
  } catch (caught) {
    await connection.close();
    throw translate(caught, place);
  }
}

/** A place has no login in it, not even a masked one: it can be given to `--store` again. */
function withoutLogin(url: string): string {
  return maskUrl(url).replaceAll('***@', '').replace(/\/$/, '');
}

class NatsStore implements Store {
  readonly place: string;
  readonly #parts: StreamMaker;
  readonly #client: JetStreamClient;
  readonly #consumers: ConsumerWatch;
  readonly #strayAfterMs: number;

  constructor(parts: StreamMaker, strayAfterMs: number) {
    this.#parts = parts;
    this.#strayAfterMs = strayAfterMs;
    this.#consumers = new ConsumerWatch(parts.connection);
    this.place = parts.place;
    this.#client = jetstream(parts.connection, { timeout: REQUEST_TIMEOUT_MS });
  }

  async runs(): Promise<readonly string[]> {
    try {
      const found = new Set<string>();
      for await (const name of this.#parts.manager.streams.names()) {
        const prefix = [LEDGER_STREAM_PREFIX, OBJECT_STREAM_PREFIX].find((start) => name.startsWith(start));
        const run = prefix === undefined ? '' : name.slice(prefix.length);
        if (isRunName(run)) found.add(run);
      }
      return [...found].sort();
    } catch (caught) {
      throw translate(caught, this.place);
    }
  }

  open(run: string): Promise<RunStore> {
    const natsRun = this.#run(run);
    return Promise.resolve({
      place: natsRun.place,
      objects: natsObjects(natsRun),
      ledger: natsLedger(natsRun),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async remove(run: string): Promise<void> {
    const { ledgerStream, objectStream } = runNames(run);
    for (const stream of [ledgerStream, objectStream]) {
      try {
        await this.#parts.manager.streams.delete(stream);
      } catch (caught) {
        if (!isStreamMissing(caught)) throw translate(caught, this.place);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.connection.close();
  }

  #run(run: string): NatsRun {
    const { connection, manager, place } = this.#parts;
    const names = runNames(run);
    const made = new Set<string>();
    const make = async (wanted: WantedStream): Promise<void> => {
      if (made.has(wanted.name)) return;
      await makeStream(this.#parts, wanted);
      made.add(wanted.name);
    };
    const { ledgerStream, ledgerSubject, objectStream, objectSubjects, chunkSubjects } = names;
    const limit = connection.info?.max_payload ?? MOST_PIECE_BYTES + HEADER_BYTES;
    return {
      place: `${place}/${run}`,
      names,
      client: this.#client,
      consumers: this.#consumers,
      manager,
      pieceBytes: Math.min(MOST_PIECE_BYTES, limit - HEADER_BYTES),
      strayAfterMs: this.#strayAfterMs,
      makeLedgerStream: () => make({ name: ledgerStream, subjects: [ledgerSubject], kind: 'log' }),
      makeObjectStream: () => make({ name: objectStream, subjects: [objectSubjects, chunkSubjects], kind: 'objects' }),
    };
  }
}
