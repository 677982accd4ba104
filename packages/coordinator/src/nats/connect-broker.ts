/**
 * Connects a coordinator to the NATS broker, with the credentials in the URL or with a key, and with error messages that say
 * what to do.
 */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { brokerTls, type BrokerAccess } from '@facet/security';
import {
  brokerFailure,
  connectBroker,
  inboxOf,
  isBrokerRefusal,
  maskUrl,
  TrainingError,
  whileElecting,
  type BrokerPatience,
} from '@facet/shared';

const CLIENT = { connect, credsAuthenticator, nkeyAuthenticator };

/** The broker of one run. */
export interface RunBroker extends BrokerAccess {
  readonly run: string;
  /** How to wait for a broker that is not up yet. Default: not at all. */
  readonly patience?: BrokerPatience | undefined;
}

/**
 * A coordinator's connection.
 *
 * @throws TrainingError BROKER_UNREACHABLE or BROKER_REFUSED naming the address.
 */
export function connectCoordinator({ url, tls, credentials, run, patience }: RunBroker): Promise<NatsConnection> {
  const advice = 'start one with `nats-server -js`, or name another with `--nats URL`';
  const inbox = inboxOf('coordinator', run);
  const caller = {
    client: CLIENT,
    name: 'facet-coordinator',
    advice,
    credentials,
    inbox,
    patience,
    ...brokerTls({ url, tls }),
  };
  return connectBroker(url, caller);
}

/**
 * The broker's JetStream. A cluster that is choosing its leader is waited for.
 *
 * @throws TrainingError BROKER_NO_JETSTREAM, or BROKER_REFUSED when the user may not ask.
 */
export async function managerOf(
  connection: NatsConnection,
  { url, timeoutMs }: { readonly url: string; readonly timeoutMs: number },
): Promise<JetStreamManager> {
  try {
    return await whileElecting(connection, () => jetstreamManager(connection, { timeout: timeoutMs }));
  } catch (caught) {
    if (isBrokerRefusal(caught)) throw brokerFailure(caught, url, { advice: '' });
    const { message } = TrainingError.from(caught);
    throw new TrainingError(
      'BROKER_NO_JETSTREAM',
      `the NATS broker at ${maskUrl(url)} has no JetStream: ${message}; start it with \`nats-server -js\``,
      { cause: caught },
    );
  }
}
