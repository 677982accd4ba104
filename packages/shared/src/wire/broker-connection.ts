/**
 * How every process of Facet connects to the NATS broker, and what it says when that fails. The NATS client itself is an
 * argument, because this package opens no sockets.
 */
import { TrainingError } from '../errors.js';
import { brokerFailure } from './broker-failure.js';
import { brokerLogin, type BrokerLogin } from './broker-login.js';
import { untilBrokerAnswers, type BrokerPatience } from './broker-patience.js';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 200;

/** Our certificate for a broker, and the check of the broker's. The client reads its members at every attempt to connect. */
export interface BrokerTls {
  readonly minVersion: 'TLSv1.3';
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly crl: string[];
  readonly checkServerIdentity: (name: string, certificate: object) => Error | undefined;
}

/** A key that proves to a broker who we are. It is read at every attempt to connect, so a file may be replaced. */
export interface BrokerCredentials {
  /** `nkey`: a seed of a user. `creds`: a JWT and the seed of its user, as `nsc` writes them. */
  readonly kind: 'nkey' | 'creds';
  /** For messages: the variable that names the file, and the file. */
  readonly source: string;
  readonly read: () => Uint8Array;
}

/** What of the NATS client's package is needed; `A` is what it calls an authenticator. */
export interface BrokerClient<C, A> {
  readonly connect: (options: BrokerConnectionOptions & { servers: string[]; authenticator?: A }) => Promise<C>;
  readonly nkeyAuthenticator: (seed: () => Uint8Array) => A;
  readonly credsAuthenticator: (creds: () => Uint8Array) => A;
}

/** Options of the NATS client's `connect`. */
export interface BrokerConnectionOptions extends BrokerLogin {
  readonly name: string;
  readonly noAsyncTraces: boolean;
  readonly timeout: number;
  readonly reconnect: boolean;
  readonly maxReconnectAttempts: number;
  readonly reconnectTimeWait: number;
  readonly inboxPrefix?: string;
  readonly tls?: BrokerTls;
}

export interface BrokerCaller<C, A> {
  readonly client: BrokerClient<C, A>;
  /** What the broker calls the connection. */
  readonly name: string;
  /** What to do when no broker answers. */
  readonly advice: string;
  /** Absent: TLS only if the broker asks for it, and without a certificate. */
  readonly tls?: BrokerTls;
  /** Used if the URL names no login. */
  readonly credentials?: BrokerCredentials | undefined;
  /** Where answers come to (broker-inbox.ts). Default: the inbox of everybody. */
  readonly inbox?: string | undefined;
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

/**
 * Connects; the client rebuilds a connection that is lost later, for as long as it takes.
 *
 * @throws TrainingError BROKER_UNREACHABLE, or BROKER_REFUSED by one that is there, naming the address without its password, and what
 *   to do; CANCELLED when a wait was ended.
 */
export async function connectBroker<C, A extends (nonce?: string) => unknown>(
  urls: string,
  { client, name, advice, tls, credentials: given, inbox, patience }: BrokerCaller<C, A>,
): Promise<C> {
  const login = brokerLogin(urls);
  const hasLogin = login.user !== undefined || login.token !== undefined;
  const credentials = hasLogin ? undefined : given;
  const authenticator = credentials && authenticatorOf(client, credentials);
  const connect = async (): Promise<C> => {
    try {
      return await client.connect({
        ...login,
        servers: [...login.servers],
        name,
        // A stack trace per publish costs more than the publish.
        noAsyncTraces: true,
        timeout: CONNECT_TIMEOUT_MS,
        reconnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        ...(inbox !== undefined && { inboxPrefix: inbox }),
        ...(authenticator !== undefined && { authenticator }),
        ...(tls !== undefined && { tls }),
      });
    } catch (caught) {
      throw brokerFailure(caught, urls, { advice, keySource: credentials?.source, hasCertificate: tls !== undefined });
    }
  };
  return untilBrokerAnswers(connect, patience);
}

/** A damaged key is found here. In the client it would look like a broker that does not answer. */
function authenticatorOf<C, A extends (nonce?: string) => unknown>(
  { nkeyAuthenticator, credsAuthenticator }: BrokerClient<C, A>,
  { kind, source, read }: BrokerCredentials,
): A {
  const authenticator = kind === 'nkey' ? nkeyAuthenticator(read) : credsAuthenticator(read);
  try {
    authenticator('nonce');
    return authenticator;
  } catch (caught) {
    // The message of the client may contain a part of the key.
    throw new TrainingError('CONFIG_INVALID', `${source}: the key in it is damaged; write the file again`, {
      cause: caught instanceof Error ? new Error(caught.name) : undefined,
    });
  }
}
