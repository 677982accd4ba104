/** The two secrets in a run's folder: the key, which coordinators alone have, and the token, which workers have too. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularText, readToken, RunToken, TOKEN_FILE, TrainingError, writeWhole } from '@facet/shared';
import { KEY_FILE } from '@facet/storage';
import { RunKey } from '../secrets/run-key.js';

const MOST_KEY_BYTES = 1_024;

export interface RunSecrets {
  readonly key: RunKey;
  readonly token: RunToken;
}

/**
 * Reads the secrets of a run, or makes them.
 *
 * @param isNew the run has not begun: a key that lies there is not used
 * @param given the token that this process was given; it is written, so that whoever goes on with the run has it too
 * @throws TrainingError CONFIG_INVALID or TOKEN_INVALID naming the file that cannot be used.
 */
export async function openSecrets(
  folder: string,
  { isNew, given }: { readonly isNew: boolean; readonly given: RunToken | undefined },
): Promise<RunSecrets> {
  const key = (isNew ? undefined : await readKey(folder)) ?? (await makeKey(folder));
  const file = join(folder, TOKEN_FILE);
  if (given === undefined && (await exists(file))) return { key, token: await readToken(file) };
  const token = given ?? RunToken.random();
  await writeWhole(file, `${token.reveal()}\n`, 'owner');
  return { key, token };
}

/** Removes them, of a run that has not begun. */
export async function removeSecrets(folder: string): Promise<void> {
  for (const name of [KEY_FILE, TOKEN_FILE]) await rm(join(folder, name), { force: true });
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
