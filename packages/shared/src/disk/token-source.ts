/**
 * Where a process finds the tokens of a run: in the variables FACET_RUN_TOKEN and FACET_OPERATOR_TOKEN, or in the files that
 * FACET_RUN_TOKEN_FILE and FACET_OPERATOR_TOKEN_FILE name. Never in an argument, because every user of a machine reads the
 * arguments of its processes.
 */
import { TrainingError } from '../errors.js';
import type { Environment } from '../config/environment.js';
import { readRegularText } from './regular-file.js';
import { OperatorToken } from '../secrets/operator-token.js';
import { RunToken } from '../secrets/run-token.js';

/** The run token's file in the folder of a run. */
export const TOKEN_FILE = 'run.token';
/** The operator token's file in the folder of a run. */
export const OPERATOR_TOKEN_FILE = 'operator.token';

const MOST_BYTES = 4_096;

interface TokenSort<T> {
  readonly name: string;
  readonly variable: string;
  readonly make: (text: string) => T;
}

const RUN: TokenSort<RunToken> = {
  name: 'run token',
  variable: 'FACET_RUN_TOKEN',
  make: (text) => new RunToken(text),
};
const OPERATOR: TokenSort<OperatorToken> = {
  name: 'operator token',
  variable: 'FACET_OPERATOR_TOKEN',
  make: (text) => new OperatorToken(text),
};

/**
 * The run token of the environment.
 *
 * @returns undefined when neither variable is set
 * @throws TrainingError TOKEN_INVALID naming the variable.
 */
export function tokenOf(env: Environment): Promise<RunToken | undefined> {
  return tokenIn(env, RUN);
}

/** As tokenOf, of the operator's token. */
export function operatorTokenOf(env: Environment): Promise<OperatorToken | undefined> {
  return tokenIn(env, OPERATOR);
}

/**
 * The run token in a file.
 *
 * @throws TrainingError TOKEN_INVALID naming the file.
 */
export function readToken(file: string): Promise<RunToken> {
  return readSort(file, RUN);
}

/** As readToken, of the operator's token. */
export function readOperatorToken(file: string): Promise<OperatorToken> {
  return readSort(file, OPERATOR);
}

/** The environment of a child that finds its token in a file, and in no other place. */
export function withTokenFile(env: Environment, file: string): Record<string, string | undefined> {
  const { FACET_RUN_TOKEN: _text, ...others } = env;
  return { ...others, FACET_RUN_TOKEN_FILE: file };
}

/** The environment of a child that may give no orders. */
export function withoutOperatorToken(env: Environment): Record<string, string | undefined> {
  const { FACET_OPERATOR_TOKEN: _text, FACET_OPERATOR_TOKEN_FILE: _file, ...others } = env;
  return others;
}

async function tokenIn<T>(env: Environment, sort: TokenSort<T>): Promise<T | undefined> {
  const { variable, make } = sort;
  const [text = '', file = ''] = [env[variable], env[`${variable}_FILE`]];
  if (text !== '' && file !== '') {
    throw new TrainingError(
      'TOKEN_INVALID',
      `${variable} and ${variable}_FILE are both set, expected one of them; unset the other`,
    );
  }
  if (file !== '') return readSort(file, sort);
  if (text === '') return undefined;
  try {
    return make(text);
  } catch (caught) {
    throw new TrainingError('TOKEN_INVALID', `${variable}: ${TrainingError.from(caught).message}`);
  }
}

async function readSort<T>(file: string, { name, make }: TokenSort<T>): Promise<T> {
  try {
    return make(await readRegularText(file, MOST_BYTES));
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    throw new TrainingError('TOKEN_INVALID', `the ${name} cannot be read from ${file}: ${message}`, {
      cause: caught,
    });
  }
}
