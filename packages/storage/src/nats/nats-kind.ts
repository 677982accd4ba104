/** `nats://HOST:PORT`: runs in the JetStream of a NATS broker. */
import { brokerCredentialsOf } from '@facet/security';
import { brokerLogin, readRegularText, TrainingError, type Environment } from '@facet/shared';
import type { StoreKind } from '../store/store-kind.js';

const MOST_LOGIN_BYTES = 4_096;
const REPLICAS = 'FACET_STORE_REPLICAS';
const MAX_BYTES = 'FACET_STORE_MAX_BYTES';
const LEAST_MAX_BYTES = 1024 * 1024;

export const NATS: StoreKind = {
  scheme: 'nats://',
  shape: 'nats://HOST:PORT',
  async open(place, { env, brokerUrl, tls, replicas, run, patience }) {
    if (!/^nats:\/\/[^\s/]+(,nats:\/\/[^\s/]+)*$/.test(place)) {
      throw new TrainingError('CONFIG_INVALID', `the store '${place}': expected ${NATS.shape}`);
    }
    const login = (await readLogin(env)) ?? loginOf(brokerUrl, place);
    const { openNatsStore } = await import('./nats-store.js');
    const url = login === undefined ? place : place.replaceAll('nats://', `nats://${login}@`);
    return openNatsStore({
      url,
      tls,
      run,
      patience,
      credentials: brokerCredentialsOf(env),
      replicas: readReplicas(env) ?? replicas ?? 1,
      maxBytes: readMaxBytes(env),
    });
  },
};

/** `USER:PASSWORD` or a token, as it stands in an URL. */
async function readLogin(env: Environment): Promise<string | undefined> {
  const file = env['FACET_STORE_LOGIN_FILE'];
  const text = file ? (await readRegularText(file, MOST_LOGIN_BYTES)).trim() : env['FACET_STORE_LOGIN'];
  if (!text) return undefined;
  return text.split(':').map(encodeURIComponent).join(':');
}

/** The login of the run's broker, if the store is in it: nobody else may see it. */
function loginOf(brokerUrl: string | undefined, place: string): string | undefined {
  if (brokerUrl === undefined) return undefined;
  const broker = brokerLogin(brokerUrl);
  const isSame = brokerLogin(place).servers.every((server) => broker.servers.includes(server));
  if (!isSame) return undefined;
  const parts = broker.token === undefined ? [broker.user, broker.pass] : [broker.token];
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? undefined : said.map(encodeURIComponent).join(':');
}

function readReplicas(env: Environment): number | undefined {
  const text = env[REPLICAS];
  if (!text) return undefined;
  if (/^[1-5]$/.test(text)) return Number(text);
  throw new TrainingError('CONFIG_INVALID', `${REPLICAS}: '${text}', expected a whole number from 1 to 5`);
}

function readMaxBytes(env: Environment): number | undefined {
  const text = env[MAX_BYTES];
  if (!text) return undefined;
  const bytes = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(bytes) && bytes >= LEAST_MAX_BYTES) return bytes;
  throw new TrainingError('CONFIG_INVALID', `${MAX_BYTES}: '${text}', expected bytes, ${LEAST_MAX_BYTES} at least`);
}
