/**
 * The secrets in a run's folder: the key, which coordinators alone have, the token, which workers have too, and the operator's
 * token, which workers do not have.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  OPERATOR_TOKEN_FILE,
  OperatorToken,
  readOperatorToken,
  readRegularText,
  readToken,
  RunToken,
  TOKEN_FILE,
  TrainingError,
  writeWhole,
} from '@facet/shared';
import { KEY_FILE } from '@facet/storage';
import { RunKey } from '../secrets/run-key.js';

const MOST_KEY_BYTES = 1_024;

export interface RunSecrets {
  readonly key: RunKey;
  readonly token: RunToken;
  readonly operatorToken: OperatorToken;
}

export interface SecretsWish {
  /** The run has not begun: a key that lies there is not used. */
  readonly isNew: boolean;
  /** What this process was given is written, so that whoever goes on with the run has it too. */
  readonly given: { readonly token: RunToken | undefined; readonly operatorToken: OperatorToken | undefined };
}

/**
 * Reads the secrets of a run, or makes them.
 *
 * @throws TrainingError CONFIG_INVALID or TOKEN_INVALID naming the file that cannot be used.
 */
export async function openSecrets(folder: string, { isNew, given }: SecretsWish): Promise<RunSecrets> {
  const key = (isNew ? undefined : await readKey(folder)) ?? (await makeKey(folder));
  const token = await openToken(join(folder, TOKEN_FILE), {
    given: given.token,
    read: readToken,
    random: () => RunToken.random(),
  });
  const operatorToken = await openToken(join(folder, OPERATOR_TOKEN_FILE), {
    given: given.operatorToken,
    read: readOperatorToken,
    random: () => OperatorToken.random(),
  });
  if (token.reveal() !== operatorToken.reveal()) return { key, token, operatorToken };
  throw new TrainingError(
    'TOKEN_INVALID',
    'the operator token is the run token, which workers have; make another one with `openssl rand -hex 32`',
  );
}

interface TokenWish<T> {
  readonly given: T | undefined;
  readonly read: (file: string) => Promise<T>;
  readonly random: () => T;
}

async function openToken<T extends { reveal(): string }>(
  file: string,
  { given, read, random }: TokenWish<T>,
): Promise<T> {
  if (given === undefined && (await exists(file))) return read(file);
  const token = given ?? random();
  await writeWhole(file, `${token.reveal()}\n`, 'owner');
  return token;
}

/** Removes them, of a run that has not begun. */
export async function removeSecrets(folder: string): Promise<void> {
  for (const name of [KEY_FILE, TOKEN_FILE, OPERATOR_TOKEN_FILE]) await rm(join(folder, name), { force: true });
}

/**
 * The key of a run that has begun; undefined for one that has none, of an earlier version of Facet.
 *
 * @throws TrainingError CONFIG_INVALID naming the file that cannot be used.
 */
export async function readKey(folder: string): Promise<RunKey | undefined> {
  const path = join(folder, KEY_FILE);
  try {
    return new RunKey(Buffer.from((await readRegularText(path, MOST_KEY_BYTES)).trim(), 'hex'));
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const { message } = TrainingError.from(caught);
    throw new TrainingError(
      'CONFIG_INVALID',
      `${path} cannot be used: ${message}; remove it to go on without the workers of before`,
      { cause: caught },
    );
  }
}

async function makeKey(folder: string): Promise<RunKey> {
  const key = RunKey.random();
  await writeWhole(join(folder, KEY_FILE), `${Buffer.from(key).toString('hex')}\n`, 'owner');
  return new RunKey(key);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
