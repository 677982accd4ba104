/**
 * What a client of the HTTP port may say instead of showing a certificate: a user with a password, or a token, as Prometheus
 * and load balancers do. It lies in a file, because every user of a machine reads the arguments of its processes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readRegularText, TrainingError } from '@facet/shared';

/** Names the file: `user:password`, or a token. */
export const HTTP_LOGIN_VARIABLE = 'FACET_HTTP_LOGIN_FILE';

const MOST_BYTES = 4_096;
const LEAST_CHARACTERS = 8;

export class HttpLogin {
  /** What the client must be told that it is asked for. */
  readonly challenge: string;
  readonly #expected: Buffer;

  /** @throws TrainingError CONFIG_INVALID for a text that is too short. */
  constructor(text: string) {
    const login = text.trim();
    if (login.length < LEAST_CHARACTERS) {
      throw new TrainingError(
        'CONFIG_INVALID',
        `the login for HTTP has ${login.length} characters, expected USER:PASSWORD or a token of at least ${LEAST_CHARACTERS}`,
      );
    }
    const isBasic = login.includes(':');
    this.challenge = isBasic ? 'Basic realm="facet", charset="UTF-8"' : 'Bearer realm="facet"';
    this.#expected = digest(isBasic ? `Basic ${Buffer.from(login).toString('base64')}` : `Bearer ${login}`);
  }

  /** Whether the header of a request is the right one; it takes the same time for every wrong one. */
  accepts(authorization: string | undefined): boolean {
    return timingSafeEqual(digest(authorization ?? ''), this.#expected);
  }
}

/**
 * The login of the environment; undefined where nothing names one.
 *
 * @throws TrainingError CONFIG_INVALID naming the variable and the file.
 */
export async function httpLoginOf(env: Readonly<Record<string, string | undefined>>): Promise<HttpLogin | undefined> {
  const file = env[HTTP_LOGIN_VARIABLE];
  if (file === undefined || file === '') return undefined;
  try {
    return new HttpLogin(await readRegularText(file, MOST_BYTES));
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    throw new TrainingError('CONFIG_INVALID', `${HTTP_LOGIN_VARIABLE}: ${file}: ${message}`, { cause: caught });
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
