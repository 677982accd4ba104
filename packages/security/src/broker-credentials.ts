/**
 * The key with which a process shows a broker who it is: a file with the seed of an nkey, or with a JWT and its seed. A file
 * that was replaced is used by the next connection; one that is damaged then leaves the one before in use.
 */
import { readFileSync, statSync } from 'node:fs';
import { TrainingError, type BrokerCredentials, type Environment } from '@facet/shared';

/** Names a file with the seed of a user's nkey, as `nk -gen user` and `facet broker config` write it. */
export const NKEY_VARIABLE = 'FACET_NATS_NKEY_FILE';
/** Names a file with a user's JWT and seed, as `nsc generate creds` writes it. */
export const CREDS_VARIABLE = 'FACET_NATS_CREDS_FILE';

const MOST_BYTES = 64 * 1024;
/** Base32 of a user's seed; other kinds of keys begin otherwise. */
const USER_SEED = /\bSU[A-Z2-7]{56}\b/;
const CREDS = /-----BEGIN NATS USER JWT-----[\s\S]+-----BEGIN USER NKEY SEED-----/;

/**
 * The key that the environment names; undefined where it names none. A login in the broker's URL is stronger.
 *
 * @throws TrainingError CONFIG_INVALID naming the variable, the file and what is expected in it, and nothing of its content.
 */
export function brokerCredentialsOf(env: Environment): BrokerCredentials | undefined {
  const nkeyFile = env[NKEY_VARIABLE];
  const credsFile = env[CREDS_VARIABLE];
  if (nkeyFile && credsFile) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `${NKEY_VARIABLE} and ${CREDS_VARIABLE} are both set, expected one of them`,
    );
  }
  if (nkeyFile) return credentials('nkey', `${NKEY_VARIABLE}: ${nkeyFile}`, nkeyFile);
  if (credsFile) return credentials('creds', `${CREDS_VARIABLE}: ${credsFile}`, credsFile);
  return undefined;
}

function credentials(kind: BrokerCredentials['kind'], source: string, file: string): BrokerCredentials {
  let last = readKey(kind, source, file);
  return {
    kind,
    source,
    read() {
      try {
        last = readKey(kind, source, file);
      } catch {
        // It is being replaced, or is gone: the one before may still be good.
      }
      return last;
    },
  };
}

function readKey(kind: BrokerCredentials['kind'], source: string, file: string): Uint8Array {
  const text = readText(source, file);
  const seed = USER_SEED.exec(text)?.[0];
  if (kind === 'nkey') {
    if (seed !== undefined) return Buffer.from(seed);
    throw invalid(
      source,
      "it holds no seed of a user's nkey, expected a line of 58 letters and digits that begins with SU",
    );
  }
  if (seed !== undefined && CREDS.test(text)) return Buffer.from(text);
  throw invalid(source, 'it holds no credentials of NATS, expected the blocks NATS USER JWT and USER NKEY SEED');
}

function readText(source: string, file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > MOST_BYTES) throw new Error(`it has ${stats.size} bytes, expected at most ${MOST_BYTES}`);
    return readFileSync(file, 'utf8');
  } catch (caught) {
    throw invalid(source, TrainingError.from(caught).message);
  }
}

function invalid(source: string, fault: string): TrainingError {
  return new TrainingError('CONFIG_INVALID', `${source}: ${fault}`);
}
