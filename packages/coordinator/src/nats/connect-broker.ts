/**
 * Connects a coordinator to the NATS broker, with the credentials in the URL, and with error messages that say what to do.
 */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { brokerTls, type BrokerAccess } from '@facet/security';
import { brokerFailure, connectBroker, isBrokerRefusal, maskUrl, TrainingError } from '@facet/shared';

/**
 * A coordinator's connection.

 *
 * @throws TrainingError BROKER_UNREACHABLE or BROKER_REFUSED naming the address.
 */
export function connectCoordinator(access: BrokerAccess): Promise<NatsConnection> {
  const advice = 'start one with `nats-server -js`, or name another with `--nats URL`';
  return connectBroker(access.url, { connect, name: 'facet-coordinator', advice, ...brokerTls(access) });
}

/**
 * The broker's JetStream.
 *
 * @throws TrainingError BROKER_NO_JETSTREAM, or BROKER_REFUSED when the user may not ask.
 */
export async function managerOf(
  connection: NatsConnection,
  { url, timeoutMs }: { readonly url: string; readonly timeoutMs: number },
): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection, { timeout: timeoutMs });
  } catch (caught) {
    if (isBrokerRefusal(caught)) throw brokerFailure(caught, url, '');
    const { message } = TrainingError.from(caught);
    throw new TrainingError(
      'BROKER_NO_JETSTREAM',
      `the NATS broker at ${maskUrl(url)} has no JetStream: ${message}; start it with \`nats-server -js\``,
      { cause: caught },
    );
  }
}
