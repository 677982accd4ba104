/**
 * What JetStream says when a stream cannot be made or asked now. Its errors have numbers
 * (https://github.com/nats-io/nats-server/blob/main/server/errors.json); nothing here imports its client.
 */
import { pause, systemClock, type Clock } from '../clock.js';
import { maskUrl } from './masked-url.js';

const TOO_FEW_PEERS = 10_005;
const NOT_CLUSTERED = 10_074;
const NAME_IN_USE = 10_058;
const STREAM_NOT_FOUND = 10_059;
const MAX_BYTES_REQUIRED = 10_113;
/** While a cluster chooses its leader, or has just come up: its leader may not know of all of its peers yet. */
const ELECTING: readonly unknown[] = [10_004, 10_008, 10_009, 10_010, 10_118, TOO_FEW_PEERS];
const SILENCE = ['TimeoutError', 'NoRespondersError'];

const RETRY_MS = 250;

function codesOf(caught: unknown): unknown[] {
  const codes: unknown[] = [];
  for (let error = caught; error instanceof Error && codes.length < 8; error = error.cause) {
    codes.push((error as { readonly code?: unknown }).code);
  }
  return codes;
}

/** There is no stream of this name. */
export function isStreamMissing(caught: unknown): boolean {
  return codesOf(caught).includes(STREAM_NOT_FOUND);
}

/** The account demands that every stream says how large it may become. */
export function demandsMaxBytes(caught: unknown): boolean {
  return codesOf(caught).includes(MAX_BYTES_REQUIRED);
}

export interface ReplicaWish {
  readonly url: string;
  readonly replicas: number;
}

/** If a broker cannot keep as many copies as were asked for: the actual number, the expected one, and what to do. */
export function replicaProblem(caught: unknown, { url, replicas }: ReplicaWish): string | undefined {
  const codes = codesOf(caught);
  const address = maskUrl(url);
  if (codes.includes(NOT_CLUSTERED)) {
    return (
      `the NATS broker at ${address} is a single server and keeps 1 copy, expected ${replicas} (nats.replicas); name a ` +
      `cluster of ${replicas} servers in nats.url, or set nats.replicas to 1`
    );
  }
  if (replicas > 1 && codes.includes(TOO_FEW_PEERS)) {
    return (
      `the NATS cluster at ${address} has fewer servers with JetStream and room than the ${replicas} that nats.replicas ` +
      'asks for; start more of them, or lower nats.replicas'
    );
  }
  return undefined;
}

/** What is said of a stream that is there. */
interface FoundStream {
  readonly config: { readonly num_replicas: number };
}

interface WantedStream {
  readonly name: string;
  readonly num_replicas: number;
}

/** Streams, as the client manages them. */
export interface ManagedStreams<Wanted, Found> {
  add(config: Wanted): Promise<Found>;
  info(name: string): Promise<Found>;
  update(name: string, config: { readonly num_replicas: number }): Promise<Found>;
}

/** Makes a stream. One of its name that is there stays as it is, but gets the copies that it lacks. */
export async function addOrFind<Wanted extends WantedStream, Found extends FoundStream>(
  streams: ManagedStreams<Wanted, Found>,
  config: Wanted,
): Promise<Found> {
  try {
    return await streams.add(config);
  } catch (caught) {
    if (!codesOf(caught).includes(NAME_IN_USE)) throw caught;
    const found = await streams.info(config.name);
    const { name, num_replicas } = config;
    return found.config.num_replicas >= num_replicas ? found : await streams.update(name, { num_replicas });
  }
}

/** A cluster chooses its leader in less. */
const ELECTION_MS = 15_000;

/** Asks again while a cluster has no leader; a server of its own is asked once. */
export function whileElecting<T>(
  { info }: { readonly info?: { readonly cluster?: string } | undefined },
  act: () => Promise<T>,
): Promise<T> {
  return patiently({ clock: systemClock, limitMs: info?.cluster === undefined ? 0 : ELECTION_MS }, act);
}

export interface Patience {
  readonly clock: Clock;
  readonly limitMs: number;
}

/** Does again what fails because a cluster is choosing a leader, or because nobody answers, until the limit is over. */
export async function patiently<T>({ clock, limitMs }: Patience, act: () => Promise<T>): Promise<T> {
  const untilMs = clock.now() + limitMs;
  for (;;) {
    try {
      return await act();
    } catch (caught) {
      if (!isPassing(caught) || clock.now() + RETRY_MS > untilMs) throw caught;
    }
    await pause(clock, RETRY_MS);
  }
}

function isPassing(caught: unknown): boolean {
  if (codesOf(caught).some((code) => ELECTING.includes(code))) return true;
  for (let error = caught, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth += 1) {
    if (SILENCE.includes(error.name)) return true;
  }
  return false;
}

/** A connection, as the client gives it. */
export interface WatchedConnection {
  status(): AsyncIterable<{ readonly type: string }>;
}

/** Messages of a consumer, as the client gives them. */
export interface ConsumedMessages extends WatchedConnection {
  /** Resolves once they have ended, whoever ended them. */
  closed(): Promise<unknown>;
  close(): Promise<unknown>;
}

/**
 * Ends the messages of consumers that their broker serves no more, so that whoever reads them can ask for them again. A consumer is
 * on one server of a cluster and is gone with it; the client would wait for that server for ever. It says that the server is silent
 * only while its own connection holds; after a reconnect it watches no more.
 */
export class ConsumerWatch {
  readonly #open = new Set<ConsumedMessages>();

  /** @param connection the one that all these consumers come from */
  constructor(connection: WatchedConnection) {
    // What ends otherwise tells its reader.
    this.#follow(connection).catch(() => undefined);
  }

  add(messages: ConsumedMessages): void {
    this.#open.add(messages);
    const forget = (): void => void this.#open.delete(messages);
    messages.closed().then(forget, forget);
    endWhenSilent(messages).catch(() => undefined);
  }

  async #follow(connection: WatchedConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') for (const messages of this.#open) await messages.close();
    }
  }
}

async function endWhenSilent(messages: ConsumedMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type !== 'heartbeats_missed') continue;
    await messages.close();
    return;
  }
}
