/**
 * Where an S3 store is and who asks, from the environment, as every tool for S3 reads it: AWS_ENDPOINT_URL_S3 (or
 * AWS_ENDPOINT_URL), AWS_REGION, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and perhaps AWS_SESSION_TOKEN, or a file of
 * credentials (AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials, and AWS_PROFILE). Keys are never an argument.
 */
import { join } from 'node:path';
import { homeFolder, readRegularText, TrainingError, type Environment } from '@facet/shared';

const MOST_FILE_BYTES = 1 << 20;
const DEFAULT_REGION = 'us-east-1';

export interface S3Login {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** @throws TrainingError STORE_REFUSED when there are no keys, saying where they were looked for. */
export async function readLogin(env: Environment): Promise<S3Login> {
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || DEFAULT_REGION;
  const named = env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || `https://s3.${region}.amazonaws.com`;
  const endpoint = named.replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s/@]+$/.test(endpoint)) {
    const expected = 'expected http://HOST:PORT or https://HOST';
    throw new TrainingError('CONFIG_INVALID', `AWS_ENDPOINT_URL_S3 is no address of a server: ${expected}`);
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId && secretAccessKey) {
    return { endpoint, region, accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || undefined };
  }
  return { endpoint, region, ...(await readFileLogin(env)) };
}

async function readFileLogin(
  env: Environment,
): Promise<Pick<S3Login, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>> {
  const file = env['AWS_SHARED_CREDENTIALS_FILE'] || join(homeFolder(env), '.aws', 'credentials');
  const profile = env['AWS_PROFILE'] || 'default';
  const text = await readRegularText(file, MOST_FILE_BYTES).catch(() => '');
  const values = profileOf(text, profile);
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, sessionToken: values.get('aws_session_token') };
  }
  throw new TrainingError(
    'STORE_REFUSED',
    `there are no keys for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and ${file} has none for profile '${profile}'; set one or the other`,
  );
}

/** The lines of one section of an INI file. */
function profileOf(text: string, profile: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[\s*(.+?)\s*\]\s*$/.exec(line)?.[1] ?? section;
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (section === profile && key !== undefined && value !== undefined) values.set(key, value);
  }
  return values;
}
