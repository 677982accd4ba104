/** What a Welcome says to its worker alone: how to reach the broker, and keys of the run. It travels under the key of the stream. */
import { z } from 'zod';
import { TrainingError } from '../errors.js';
import { parseJson } from '../parse-json.js';

const base64 = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));

const welcomeSecrets = z.strictObject({
  /** The broker as the coordinator tells workers to reach it, with the login of workers. */
  natsUrl: z.string(),
  /** Checks the passes of whoever pulls frames or a state. */
  exchangeKey: base64,
  /** Checks the signature of the run's lease. */
  leaseKey: base64,
});

export type WelcomeSecrets = Readonly<z.output<typeof welcomeSecrets>>;

/** The label under which they are sealed. */
export const WELCOME_LABEL = 'the secrets of a Welcome';

export function encodeWelcomeSecrets({ natsUrl, exchangeKey, leaseKey }: WelcomeSecrets): Uint8Array {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return Buffer.from(JSON.stringify({ natsUrl, exchangeKey: text(exchangeKey), leaseKey: text(leaseKey) }));
}

/** @throws TrainingError VERSION_MISMATCH when it is not of this version. */
export function decodeWelcomeSecrets(bytes: Uint8Array): WelcomeSecrets {
  const parsed = welcomeSecrets.safeParse(parseJson(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  throw new TrainingError(
    'VERSION_MISMATCH',
    `the secrets of a Welcome are not of this version: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}; install the same version on every machine`,
  );
}
