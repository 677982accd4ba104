/**
 * Everything through which a generation touches the world outside its process: time, the shards, the peers. In production
 * these are sockets; the simulation brings its own, so that what runs above them is the same code.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { pullState } from '@facet/proto';
import { brokerTls, type BrokerAccess, type TlsIdentity } from '@facet/security';
import {
  connectBroker,
  decodeLeaseEntry,
  inboxOf,
  isSignedLeaseEntry,
  LEASE_STREAM,
  leaseSubject,
  LeaseVerifier,
  systemClock,
  type BrokerPatience,
  type Clock,
} from '@facet/shared';
import { openInlet, type ExchangeServer } from '@facet/collective';
import { natsShardFeed, type ShardFeed } from './data/shard-source.js';

const LEASE_TIMEOUT_MS = 1_000;
const CLIENT = { connect, credsAuthenticator, nkeyAuthenticator };

export interface WorkerNetwork {
  readonly clock: Clock;
  readonly shards: ShardFeed;
  readonly exchange: Pick<ExchangeServer, 'outlet' | 'failPulls' | 'closeThrough'>;
  readonly openInlet: typeof openInlet;
  readonly pullState: typeof pullState;
  /** host:port of the coordinator that holds a run's lease; undefined when the broker does not say. */
  readonly leaderAddress: (run: string, leaseKey: Uint8Array) => Promise<string | undefined>;
  /** Ends the connection to the broker. */
  close(): Promise<void>;
}

/**
 * Connects to the broker that the coordinator names; waits for one that is not up yet.
 *
 * @throws TrainingError BROKER_UNREACHABLE or BROKER_REFUSED naming the address.
 */
export function connectWorker(
  access: BrokerAccess,
  { run, patience }: { readonly run: string; readonly patience?: BrokerPatience },
): Promise<NatsConnection> {
  const { url, credentials } = access;
  const advice = 'if this machine reaches it at another address, name that with --nats';
  const inbox = inboxOf('worker', run);
  const caller = { client: CLIENT, name: 'facet-worker', advice, credentials, inbox, patience, ...brokerTls(access) };
  return connectBroker(url, caller);
}

/** The network of a worker process; `tls` is absent where it is in the open. */
export function socketNetwork(
  connection: NatsConnection,
  exchange: ExchangeServer,
  tls: TlsIdentity | undefined,
): WorkerNetwork {
  return {
    clock: systemClock,
    shards: natsShardFeed(connection),
    exchange,
    openInlet: (options) => openInlet({ ...options, tls }),
    pullState: (options) => pullState({ ...options, tls }),
    leaderAddress: (run, leaseKey) => readLeaderAddress(connection, { run, leaseKey }),
    close: () => connection.close(),
  };
}

/**
 * The address in a run's lease; undefined if the broker is away, or has no entry of this version that a coordinator of the run
 * signed.
 */
export async function readLeaderAddress(
  connection: NatsConnection,
  { run, leaseKey }: { readonly run: string; readonly leaseKey: Uint8Array },
): Promise<string | undefined> {
  try {
    const { streams } = await jetstreamManager(connection, { timeout: LEASE_TIMEOUT_MS, checkAPI: false });
    const found = await streams.getMessage(LEASE_STREAM, { last_by_subj: leaseSubject(run) });
    const entry = found === null ? undefined : decodeLeaseEntry(found.string());
    if (entry === undefined || !isSignedLeaseEntry(entry, run, new LeaseVerifier(leaseKey))) return undefined;
    return entry.address === '' ? undefined : entry.address;
  } catch {
    // A broker that is away says nothing, and an entry that cannot be read is soon written anew: the addresses of the command line are
    // tried then.
    return undefined;
  }
}
