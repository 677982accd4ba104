import { expect, it } from 'vitest';
import { brokerFailure } from './broker-failure.js';

const URL_WITH_LOGIN = 'nats://ada:s3cret@broker:4222';

function named(name: string, message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), { name }, facts);
}

it.each<[string, string, unknown, RegExp]>([
  [
    'an expired certificate',
    'broker',
    named('Error', 'certificate has expired', { code: 'CERT_HAS_EXPIRED' }),
    /asks for TLS, which failed/,
  ],
  [
    'a wrong password',
    URL_WITH_LOGIN,
    named('AuthorizationError', 'Authorization Violation'),
    /^the NATS broker at nats:\/\/\*\*\*@broker:4222 refuses the login \(.*\); correct user and password/,
  ],
  [
    'no password',
    'nats://broker:4222',
    named('AuthorizationError', 'Authorization Violation'),
    /asks for a login .*; put it into the URL/,
  ],
  [
    'a missing permission',
    URL_WITH_LOGIN,
    new Error('request failed', {
      cause: named('PermissionViolationError', 'Permissions Violation for Subscription to "_INBOX.x.*"', {
        operation: 'subscription',
        subject: '_INBOX.x.*',
      }),
    }),
    /does not permit this user to subscribe to _INBOX\.x\.\* \(.*; allow the user to subscribe to it; `facet broker config/,
  ],
  [
    'a certificate of nobody',
    'broker',
    named('Error', 'self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    /asks for TLS, which failed \(self-signed certificate\); .*NODE_EXTRA_CA_CERTS/,
  ],
])('is a refusal after %s, and advises what helps', (_, url, caught, expected) => {
  const { code, message } = brokerFailure(caught, url, { advice: 'start one' });
  expect(code).toBe('BROKER_REFUSED');
  expect(message).toMatch(expected);
  expect(message).not.toContain('s3cret');
  expect(message).not.toContain('start one');
});

it('says of which key or certificate a broker knows no user', () => {
  const caught = named('AuthorizationError', 'Authorization Violation');
  const said = (context: object): string => brokerFailure(caught, 'broker', { advice: '', ...context }).message;
  expect(said({ keySource: 'FACET_NATS_NKEY_FILE: w.nk' })).toMatch(
    /does not know the key of FACET_NATS_NKEY_FILE: w\.nk/,
  );
  expect(said({ hasCertificate: true })).toMatch(
    /lets in no user of our certificate .*broker config --pki PKI --run NAME/,
  );
});

it.each<[string, unknown, string]>([
  [
    'nobody',
    named('ConnectionError', 'connection refused'),
    'no NATS broker answers at broker:4222: connection refused; start one',
  ],
  ['silence', named('TimeoutError', 'timeout'), 'no NATS broker answers at broker:4222: timeout; start one'],
  [
    'another server',
    new Error('unexpected response from server'),
    'what answers at broker:4222 is no NATS broker (unexpected response from server); start one',
  ],
])('is an absence after %s', (_, caught, expected) => {
  expect(brokerFailure(caught, 'broker:4222', { advice: 'start one' })).toMatchObject({
    code: 'BROKER_UNREACHABLE',
    message: expected,
  });
});
