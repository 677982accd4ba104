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
  patiently,
  systemClock,
  TrainingError,
} from '@facet/shared';

const CLIENT = { connect, credsAuthenticator, nkeyAuthenticator };
/** A cluster chooses its leader in less. */
const ELECTION_MS = 15_000;

/** The broker of one run. */
export interface RunBroker extends BrokerAccess {
  readonly run: string;
}

/**
 * A coordinator's connection.
 *
 * @throws TrainingError BROKER_UNREACHABLE or BROKER_REFUSED naming the address.
 */
export function connectCoordinator({ url, tls, credentials, run }: RunBroker): Promise<NatsConnection> {
  const advice = 'start one with `nats-server -js`, or name another with `--nats URL`';
  const inbox = inboxOf('coordinator', run);
  const caller = { client: CLIENT, name: 'facet-coordinator', advice, credentials, inbox, ...brokerTls({ url, tls }) };
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

/** Asks again while a cluster has no leader; a server of its own is asked once. */
export function whileElecting<T>({ info }: NatsConnection, act: () => Promise<T>): Promise<T> {
  const limitMs = info?.cluster === undefined ? 0 : ELECTION_MS;
  return patiently({ clock: systemClock, limitMs }, act);
}
