/**
 * Connects a coordinator to the NATS broker, with the credentials in the URL, and with error messages that say what to do.
 */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { brokerLogin, maskUrl, TrainingError } from '@facet/shared';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 250;

/**
 * Connects; a connection that is lost later is rebuilt for as long as it takes.
 *
 * @throws TrainingError BROKER_UNREACHABLE naming the address.
 */
export async function connectBroker(url: string): Promise<NatsConnection> {
  try {
    return await connect({
      ...brokerLogin(url),
      name: 'facet-coordinator',
      // A stack trace per publish costs more than the publish.
      noAsyncTraces: true,
      timeout: CONNECT_TIMEOUT_MS,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
    });
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    const advice = 'start one with `nats-server -js`, or name another with `--nats URL`';
    throw new TrainingError('BROKER_UNREACHABLE', `no NATS broker answers at ${maskUrl(url)}: ${message}; ${advice}`, {
      cause: caught,
    });
  }
}

/**
 * The broker's JetStream.
 *
 * @throws TrainingError BROKER_NO_JETSTREAM
 */
export async function managerOf(
  connection: NatsConnection,
  { url, timeoutMs }: { readonly url: string; readonly timeoutMs: number },
): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection, { timeout: timeoutMs });
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    throw new TrainingError(
      'BROKER_NO_JETSTREAM',
      `the NATS broker at ${maskUrl(url)} has no JetStream: ${message}; start it with \`nats-server -js\``,
      { cause: caught },
    );
  }
}
