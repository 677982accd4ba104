/** `nats://HOST:PORT`: runs in the JetStream of a NATS broker. */
import { readRegularText, TrainingError, type Environment } from '@facet/shared';
import type { StoreKind } from '../store/store-kind.js';

const MOST_LOGIN_BYTES = 4_096;
const REPLICAS = 'FACET_STORE_REPLICAS';

export const NATS: StoreKind = {
  scheme: 'nats://',
  shape: 'nats://HOST:PORT',
  async open(place, { env, brokerUrl, tls }) {
    if (!/^nats:\/\/[^\s/]+(,nats:\/\/[^\s/]+)*$/.test(place)) {
      throw new TrainingError('CONFIG_INVALID', `the store '${place}': expected ${NATS.shape}`);
    }
    const login = (await readLogin(env)) ?? loginOf(brokerUrl, place);
    const { openNatsStore } = await import('./nats-store.js');
    const url = login === undefined ? place : place.replaceAll('nats://', `nats://${login}@`);
    return openNatsStore({ url, tls, replicas: readReplicas(env) });
  },
};

/** `USER:PASSWORD` or a token, as it stands in an URL. */
async function readLogin(env: Environment): Promise<string | undefined> {
  const file = env['FACET_STORE_LOGIN_FILE'];
  const text = file ? (await readRegularText(file, MOST_LOGIN_BYTES)).trim() : env['FACET_STORE_LOGIN'];
  if (!text) return undefined;
  return text.split(':').map(encodeURIComponent).join(':');
}

/** The login of the run's broker, if it is the one that holds the store. */
function loginOf(brokerUrl: string | undefined, place: string): string | undefined {
  if (brokerUrl === undefined || !URL.canParse(brokerUrl) || !URL.canParse(place)) return undefined;
  const { host, username, password } = new URL(brokerUrl);
  if (host !== new URL(place).host || username === '') return undefined;
  return password === '' ? username : `${username}:${password}`;
}

function readReplicas(env: Environment): number {
  const text = env[REPLICAS] || '1';
  if (/^[1-5]$/.test(text)) return Number(text);
  throw new TrainingError('CONFIG_INVALID', `${REPLICAS}: '${text}', expected a whole number from 1 to 5`);
}
