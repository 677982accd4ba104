import { describe, expect, it } from 'vitest';
import { connectBroker } from './broker-connection.js';

type Authenticator = (nonce?: string) => unknown;

const caller = { name: 'facet-test', advice: 'start one' };
/** What the client makes of a key: it says what it was given. */
const saying = (kind: string) => (read: () => Uint8Array) => (nonce?: string) =>
  `${kind} ${Buffer.from(read()).toString()} ${nonce}`;
const keys = { nkeyAuthenticator: saying('nkey'), credsAuthenticator: saying('creds') };
const echo = {
  ...keys,
  connect: (given: object & { readonly authenticator?: Authenticator }) => Promise.resolve(given),
};
const URL = 'nats://user:secret@broker:4333';
const failingWith = (caught: Error): Promise<unknown> =>
  connectBroker(URL, { ...caller, client: { ...keys, connect: () => Promise.reject(caught) } }).catch(
    (error: unknown) => error,
  );

describe('a connection to the broker', () => {
  it('is made with the login of the URL, and rebuilt for as long as it takes', async () => {
    const options = await connectBroker(URL, { ...caller, client: echo });
    expect(options).toMatchObject({ servers: ['broker:4333'], user: 'user', pass: 'secret', name: 'facet-test' });
    expect(options).toMatchObject({ reconnect: true, maxReconnectAttempts: -1 });
  });

  it('goes to every server of a list, with a key where the list has no login, and with inboxes of its own', async () => {
    const credentials = { kind: 'nkey', source: 'FILE', read: () => Buffer.from('seed') } as const;
    const options = await connectBroker('nats://a:1,b:2', {
      ...caller,
      client: echo,
      credentials,
      inbox: '_INBOX.mine',
    });
    expect(options).toMatchObject({ servers: ['a:1', 'b:2'], inboxPrefix: '_INBOX.mine' });
    expect(options.authenticator?.('challenge')).toBe('nkey seed challenge');
    const named = await connectBroker(URL, { ...caller, client: echo, credentials });
    expect(named).not.toHaveProperty('authenticator');
    expect(named).not.toHaveProperty('inboxPrefix');
  });

  it('that nobody answers says what to do, and never the password', async () => {
    const error = await failingWith(new Error('connection refused'));
    expect(error).toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: 'no NATS broker answers at nats://***@broker:4333: connection refused; start one',
    });
  });

  it('that is refused does not say that a broker should be started', async () => {
    const refusal = Object.assign(new Error('Authorization Violation'), { name: 'AuthorizationError' });
    expect(await failingWith(new Error('connect', { cause: refusal }))).toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(/refuses the login \(connect\); correct user and password/),
    });
  });
});
