import { describe, expect, it } from 'vitest';
import { connectBroker } from './broker-connection.js';

const caller = { name: 'facet-test', advice: 'start one' };
const URL = 'nats://user:secret@broker:4333';
const failingWith = (caught: Error): Promise<unknown> =>
  connectBroker(URL, { ...caller, connect: () => Promise.reject(caught) }).catch((error: unknown) => error);

describe('a connection to the broker', () => {
  it('is made with the login of the URL, and rebuilt for as long as it takes', async () => {
    const options = await connectBroker(URL, { ...caller, connect: (given) => Promise.resolve(given) });
    expect(options).toMatchObject({ servers: ['broker:4333'], user: 'user', pass: 'secret', name: 'facet-test' });
    expect(options).toMatchObject({ reconnect: true, maxReconnectAttempts: -1 });
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
