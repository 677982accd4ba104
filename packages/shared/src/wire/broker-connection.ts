/**
 * How every process of Facet connects to the NATS broker, and what it says when that fails. The NATS client itself is an
 * argument, because this package opens no sockets.
 */
import { brokerFailure } from './broker-failure.js';
import { brokerLogin, type BrokerLogin } from './broker-login.js';

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

/** Options of the NATS client's `connect`. */
export interface BrokerConnectionOptions extends BrokerLogin {
  readonly name: string;
  readonly noAsyncTraces: boolean;
  readonly timeout: number;
  readonly reconnect: boolean;
  readonly maxReconnectAttempts: number;
  readonly reconnectTimeWait: number;
  readonly tls?: BrokerTls;
}

export interface BrokerCaller<C> {
  /** The NATS client's `connect`. */
  readonly connect: (options: BrokerConnectionOptions & { servers: string[] }) => Promise<C>;
  /** What the broker calls the connection. */
  readonly name: string;
  /** What to do when no broker answers. */
  readonly advice: string;
  /** Absent: TLS only if the broker asks for it, and without a certificate. */
  readonly tls?: BrokerTls;
}

/**
 * Connects; the client rebuilds a connection that is lost later, for as long as it takes.
 *
 * @throws TrainingError BROKER_UNREACHABLE, or BROKER_REFUSED by one that is there, naming the address without its password, and what
 *   to do.
 */
export async function connectBroker<C>(urls: string, { connect, name, advice, tls }: BrokerCaller<C>): Promise<C> {
  const login = brokerLogin(urls);
  try {
    return await connect({
      ...login,
      servers: [...login.servers],
      name,
      // A stack trace per publish costs more than the publish.
      noAsyncTraces: true,
      timeout: CONNECT_TIMEOUT_MS,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      ...(tls !== undefined && { tls }),
    });
  } catch (caught) {
    throw brokerFailure(caught, urls, advice);
  }
}
