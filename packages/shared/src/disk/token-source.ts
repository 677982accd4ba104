/**
 * Where a process finds the run's token: FACET_RUN_TOKEN, or the file that FACET_RUN_TOKEN_FILE names. Never an argument,
 * because every user of a machine reads the arguments of its processes.
 */
import { TrainingError } from '../errors.js';
import type { Environment } from '../config/environment.js';
import { readRegularText } from './regular-file.js';
import { RunToken } from '../secrets/run-token.js';

/** The token's file in the folder of a run. */
export const TOKEN_FILE = 'run.token';

const MOST_BYTES = 4_096;

/**
 * The token of the environment.
 *
 * @returns undefined when neither variable is set
 * @throws TrainingError TOKEN_INVALID naming the variable.
 */
export async function tokenOf(env: Environment): Promise<RunToken | undefined> {
  const { FACET_RUN_TOKEN: text = '', FACET_RUN_TOKEN_FILE: file = '' } = env;
  if (text !== '' && file !== '') {
    throw new TrainingError(
      'TOKEN_INVALID',
      'FACET_RUN_TOKEN and FACET_RUN_TOKEN_FILE are both set, expected one of them; unset the other',
    );
  }
  if (file !== '') return readToken(file);
  if (text === '') return undefined;
  try {
    return new RunToken(text);
  } catch (caught) {
    throw new TrainingError('TOKEN_INVALID', `FACET_RUN_TOKEN: ${TrainingError.from(caught).message}`);
  }
}

/**
 * The token in a file.
 *
 * @throws TrainingError TOKEN_INVALID naming the file.
 */
export async function readToken(file: string): Promise<RunToken> {
  try {
    return new RunToken(await readRegularText(file, MOST_BYTES));
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    throw new TrainingError('TOKEN_INVALID', `the run token cannot be read from ${file}: ${message}`, {
      cause: caught,
    });
  }
}

/** The environment of a child that finds its token in a file, and in no other place. */
export function withTokenFile(env: Environment, file: string): Record<string, string | undefined> {
  const { FACET_RUN_TOKEN: _text, ...others } = env;
  return { ...others, FACET_RUN_TOKEN_FILE: file };
}
