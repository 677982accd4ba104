/** Users whom a broker knows by a key instead of a password, asked of a real nats-server: nkeys, and JWTs of an operator. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, credsAuthenticator, nkeyAuthenticator, nkeys, type NatsConnection } from '@nats-io/transport-node';
import { brokerCredentialsOf } from '@facet/security';
import { connectBroker } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../packages/coordinator/test/broker.js';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const client = { connect, credsAuthenticator, nkeyAuthenticator };
const seedOf = (pair: KeyPair): string => Buffer.from(pair.getSeed()).toString();

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-keys-'));
  file = path.join(folder, 'key');
});

afterEach(() => rm(folder, { recursive: true }));

function open(url: string, variable: string): Promise<NatsConnection> {
  const credentials = brokerCredentialsOf({ [variable]: file });
  return connectBroker(url, { client, name: 'test', advice: 'start one', credentials });
}

/** A JWT as `nsc` makes it: signed by whoever answers for its subject. */
function jwt(subject: KeyPair, issuer: KeyPair, nats: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [sub, iss] = [subject.getPublicKey(), issuer.getPublicKey()];
  const claims = {
    jti: 'test',
    iat: Math.floor(Date.now() / 1_000),
    iss,
    sub,
    name: 'test',
    nats: { ...nats, version: 2 },
  };
  const signed = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

describe('an nkey', () => {
  it('lets in its user; a login in the URL is stronger; another key is refused', async () => {
    const user = nkeys.createUser();
    const users = [{ nkey: user.getPublicKey() }, { user: 'ada', password: 's3cret' }];
    await using broker = await startBroker({ config: { authorization: { users } } });
    await writeFile(file, seedOf(user));
    const connection = await open(broker.url, 'FACET_NATS_NKEY_FILE');
    await connection.flush();
    await connection.close();

    await writeFile(file, seedOf(nkeys.createUser()));
    const named = await open(broker.url.replace('//', '//ada:s3cret@'), 'FACET_NATS_NKEY_FILE');
    await named.close();
    const refused = await open(broker.url, 'FACET_NATS_NKEY_FILE').catch((caught: unknown) => caught as Error);
    expect(refused).toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(
        /does not know the key of FACET_NATS_NKEY_FILE: .*key, or it has expired .*; add the key's user to the broker/,
      ),
    });
  });

  it('is used anew when a lost connection comes back', async () => {
    const [before, after] = [nkeys.createUser(), nkeys.createUser()];
    const users = [before, after].map((pair) => ({ nkey: pair.getPublicKey() }));
    await using broker = await startBroker({ config: { authorization: { users } } });
    await writeFile(file, seedOf(before));
    const connection = await open(broker.url, 'FACET_NATS_NKEY_FILE');
    const back = (async () => {
      for await (const { type } of connection.status()) if (type === 'reconnect') return;
    })();
    await writeFile(file, seedOf(after));
    await broker.kill();
    await broker.restart();
    await back;
    await connection.flush();
    await connection.close();
  });

  it('that is damaged is refused before anybody is asked, and nothing of it is shown', async () => {
    const seed = seedOf(nkeys.createUser());
    // In its middle: of the last character only some bits count.
    await writeFile(file, `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`);
    const refused = await open('nats://127.0.0.1:1', 'FACET_NATS_NKEY_FILE').catch(
      (caught: unknown) => caught as Error,
    );
    expect(refused).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('the key in it is damaged'),
    });
    expect(JSON.stringify(refused)).not.toContain(seed.slice(4, 20));
  });
});

it('a file of credentials lets in a user of an operator, until another account signs it', async () => {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const all = -1;
  const limits = {
    subs: all,
    data: all,
    payload: all,
    imports: all,
    exports: all,
    wildcards: true,
    conn: all,
    leaf: all,
  };
  const config = {
    operator: jwt(operator, operator, { type: 'operator' }),
    resolver: 'MEMORY',
    resolver_preload: { [account.getPublicKey()]: jwt(account, operator, { type: 'account', limits }) },
  };
  await using broker = await startBroker({ jetStream: false, config });
  const credentialsBy = (signer: KeyPair): string => {
    const token = jwt(user, signer, { type: 'user', subs: all, data: all, payload: all });
    return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seedOf(user)}
------END USER NKEY SEED------
`;
  };
  await writeFile(file, credentialsBy(account));
  const connection = await open(broker.url, 'FACET_NATS_CREDS_FILE');
  await connection.flush();
  await connection.close();
  await writeFile(file, credentialsBy(nkeys.createAccount()));
  await expect(open(broker.url, 'FACET_NATS_CREDS_FILE')).rejects.toThrow(
    /does not know the key of FACET_NATS_CREDS_FILE/,
  );
});
