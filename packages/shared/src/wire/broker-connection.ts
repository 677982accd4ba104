/**
 * How every process of Facet connects to the NATS broker, and what it says when that fails. The NATS client itself is an
 * argument, because this package opens no sockets.
 */
import { brokerFailure } from './broker-failure.js';
import { brokerLogin, type BrokerLogin } from './broker-login.js';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 200;

/** Options of the NATS client's `connect`. */
export interface BrokerConnectionOptions extends BrokerLogin {
  readonly name: string;
  readonly noAsyncTraces: boolean;
  readonly timeout: number;
  readonly reconnect: boolean;
  readonly maxReconnectAttempts: number;
  readonly reconnectTimeWait: number;
}

export interface BrokerCaller<C> {
  /** The NATS client's `connect`. */
  readonly connect: (options: BrokerConnectionOptions & { servers: string[] }) => Promise<C>;
  /** What the broker calls the connection. */
  readonly name: string;
  /** What to do when no broker answers. */
  readonly advice: string;
}

/**
 * Connects; the client rebuilds a connection that is lost later, for as long as it takes.
 *
 * @throws TrainingError BROKER_UNREACHABLE, or BROKER_REFUSED by one that is there, naming the address without its password, and what
 *   to do.
 */
export async function connectBroker<C>(urls: string, { connect, name, advice }: BrokerCaller<C>): Promise<C> {
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
    });
  } catch (caught) {
    throw brokerFailure(caught, urls, advice);
  }
}
