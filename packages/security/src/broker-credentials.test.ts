import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { brokerCredentialsOf, CREDS_VARIABLE, NKEY_VARIABLE } from './broker-credentials.js';

/** Of the shape of one, and of nobody. */
const SEED = `SU${'AM'.repeat(28)}`;
const CREDS = `-----BEGIN NATS USER JWT-----
e30.e30.e30
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${SEED}
------END USER NKEY SEED------
`;

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-key-'));
  file = join(folder, 'key');
});

afterEach(() => rm(folder, { recursive: true }));

describe('the key for a broker', () => {
  it('is none where nothing names a file', () => {
    expect(brokerCredentialsOf({})).toBeUndefined();
    expect(brokerCredentialsOf({ [NKEY_VARIABLE]: '', [CREDS_VARIABLE]: '' })).toBeUndefined();
  });

  it('is read anew at every connection, and the one before is kept while the file is no good', async () => {
    await writeFile(file, `${SEED}\n`);
    const key = brokerCredentialsOf({ [NKEY_VARIABLE]: file })!;
    const read = (): string => Buffer.from(key.read()).toString();
    expect(read()).toBe(SEED);
    const other = SEED.replace('SUAM', 'SUAN');
    await writeFile(file, `# renewed\n${other}\n`);
    expect(read()).toBe(other);
    await writeFile(file, 'half a fi');
    expect(read()).toBe(other);
    await rm(file);
    expect(read()).toBe(other);
  });

  it('is the whole file where it holds a JWT too', async () => {
    await writeFile(file, CREDS);
    const key = brokerCredentialsOf({ [CREDS_VARIABLE]: file })!;
    expect([key.kind, Buffer.from(key.read()).toString()]).toEqual(['creds', CREDS]);
  });

  test.each([
    [
      'a seed of an account',
      NKEY_VARIABLE,
      SEED.replace('SU', 'SA'),
      /holds no seed of a user's nkey, expected .* begins with SU/,
    ],
    ['nothing', NKEY_VARIABLE, '', /holds no seed/],
    ['a seed alone', CREDS_VARIABLE, SEED, /expected the blocks NATS USER JWT and USER NKEY SEED/],
    ['a JWT alone', CREDS_VARIABLE, CREDS.replace(SEED, ''), /expected the blocks/],
    ['far too much', NKEY_VARIABLE, 'x'.repeat(70_000), /70000 bytes, expected at most 65536/],
  ])('is refused for %s, without a word of it', async (_, variable, text, message) => {
    await writeFile(file, text);
    const act = (): unknown => brokerCredentialsOf({ [variable]: file });
    expect(act).toThrow(message);
    expect(act).toThrow(`${variable}: ${file}`);
    expect(act).not.toThrow(/AMAMAM/);
  });

  it('is refused where two are named, or a file that is not there', async () => {
    await writeFile(file, SEED);
    expect(() => brokerCredentialsOf({ [NKEY_VARIABLE]: file, [CREDS_VARIABLE]: file })).toThrow(/are both set/);
    expect(() => brokerCredentialsOf({ [NKEY_VARIABLE]: join(folder, 'gone') })).toThrow(/ENOENT/);
  });
});
