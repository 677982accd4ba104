import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { describeWithOpenssl, shell } from '../test/openssl.js';
import { initPki, type Pki } from './authority/pki-folder.js';
import { TlsIdentity } from './tls-identity.js';

let folder: string;
let pki: Pki;
const at = (...parts: string[]): string => join(folder, ...parts);
const open = (name: string, onTrouble?: (message: string) => void): TlsIdentity =>
  new TlsIdentity(at(name), { roles: ['worker'], ...(onTrouble && { onTrouble }) });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facet-identity-'));
  pki = await initPki(at('pki'), { name: 'test', days: 30 });
  const worker = { grants: [{ role: 'worker' as const }], hosts: ['localhost'] };
  await pki.issue({ ...worker, days: 9 }, at('good'));
  await pki.issue({ ...worker, days: 9 }, at('second'));
  await pki.issue({ ...worker, days: -1, notBefore: new Date(Date.now() - 9e8) }, at('expired'));
  await pki.issue({ ...worker, days: 9, notBefore: new Date(Date.now() + 9e7) }, at('early'));
  await pki.issue({ grants: [{ role: 'status' }], hosts: [], days: 9 }, at('status'));
  await initPki(at('other'), { name: 'test', days: 30 });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const copyOf = (name: string, to: string): void => {
  cpSync(at(name), at(to), { recursive: true });
};

test.each([
  ['expired', /tls\.crt: it expired on .*; renew it with `facet certs renew`/],
  ['early', /it is valid from .* on; check the clock of this machine/],
  ['status', /CN=status is for the role status, expected worker; issue one with/],
  ['nothing', /ca\.crt: there is no such file; a TLS folder holds ca\.crt, tls\.crt and tls\.key/],
])('refuses a folder with a certificate that is of no use: %s', (name, message) => {
  expect(() => open(name)).toThrow(message);
});

test.each([
  ['tls.key', 'no key', /tls\.key: it holds no key/],
  ['tls.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /tls\.crt: it holds a damaged cert/],
  ['tls.crt', '', /tls\.crt: it holds no certificate in PEM/],
  ['ca.crt', 'nothing', /ca\.crt: it holds no certificate in PEM/],
])('refuses a folder whose %s holds %j', (file, content, message) => {
  const name = `bad-${Math.random()}`;
  copyOf('good', name);
  writeFileSync(at(name, file), content);
  expect(() => open(name)).toThrow(message);
});

test('refuses another key, and another authority of the same name', () => {
  copyOf('good', 'other-key');
  copyFileSync(at('second', 'tls.key'), at('other-key', 'tls.key'));
  expect(() => open('other-key')).toThrow(/tls\.key: it is not the key of tls\.crt/);
  copyOf('good', 'other-ca');
  copyFileSync(at('other', 'ca.crt'), at('other-ca', 'ca.crt'));
  expect(() => open('other-ca')).toThrow(/its issuer CN=test is neither in ca\.crt nor in the chain behind it/);
});

describe('current', () => {
  it('is the same as long as nothing changes, and new once everything was replaced', async () => {
    copyOf('good', 'live');
    const troubles: string[] = [];
    const identity = open('live', (message) => troubles.push(message));
    const first = identity.current();
    expect(identity.current()).toBe(first);
    const renewed = await pki.renew(at('live'));
    expect(identity.current().own.serial).toBe(renewed.serial);
    expect(identity.current()).toBe(identity.current());
    expect(troubles).toEqual([]);
  });

  it('keeps what it had while the folder is half replaced, and says so once', () => {
    copyOf('good', 'half');
    const troubles: string[] = [];
    const identity = open('half', (message) => troubles.push(message));
    const { serial } = identity.current().own;
    copyFileSync(at('second', 'tls.key'), at('half', 'tls.key'));
    expect(identity.current().own.serial).toBe(serial);
    expect(identity.current().own.serial).toBe(serial);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/it is not the key of tls\.crt; the files from before stay in use/);
    copyFileSync(at('second', 'tls.crt'), at('half', 'tls.crt'));
    expect(identity.current().own.serial).not.toBe(serial);
    expect(troubles).toHaveLength(1);
  });
});

describeWithOpenssl('certificates of others', () => {
  const EXTENSIONS =
    'printf "extendedKeyUsage=serverAuth,clientAuth\\nsubjectAltName=URI:facet:worker,DNS:localhost\\n"';
  const leaf = (key: string): string =>
    `${key}; openssl req -new -key tls.key -subj /CN=w -out r; ` +
    `openssl x509 -req -in r -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 -out tls.crt -extfile <(${EXTENSIONS}) 2>/dev/null`;
  const CA =
    'openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 9 -subj /CN=company 2>/dev/null';

  it.each([
    ['an EC key in SEC1', 'openssl ecparam -name secp384r1 -genkey -noout -out tls.key'],
    ['an EC key in PKCS#8', 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tls.key 2>/dev/null'],
    ['an RSA key in PKCS#8', 'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tls.key 2>/dev/null'],
    ['an RSA key in PKCS#1', 'openssl genrsa -traditional -out tls.key 2048 2>/dev/null'],
    ['an Ed25519 key', 'openssl genpkey -algorithm ED25519 -out tls.key'],
  ])('may have %s', (what, key) => {
    const name = what.replaceAll(/\W/g, '');
    shell(folder, `mkdir ${name}; cd ${name}; ${CA}; ${leaf(key)}`);
    expect(open(name).current().own).toMatchObject({ subject: 'CN=w', grants: [{ role: 'worker' }] });
  });

  it('may have a chain behind the certificate, as cert-manager writes it', () => {
    shell(
      folder,
      `mkdir chain; cd chain; ${CA}; mv ca.crt root.crt; mv ca.key root.key; ` +
        'openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -subj /CN=middle -out m 2>/dev/null; ' +
        'openssl x509 -req -in m -CA root.crt -CAkey root.key -CAcreateserial -days 9 -out ca.crt -extfile <(printf "basicConstraints=critical,CA:TRUE\\n") 2>/dev/null; ' +
        `${leaf('openssl ecparam -name prime256v1 -genkey -noout -out tls.key')}; cat ca.crt >> tls.crt; mv root.crt ca.crt`,
    );
    expect(open('chain').current().own.issuer).toBe('CN=middle');
  });

  it('may not have a key with a passphrase', () => {
    copyOf('good', 'sealed');
    shell(folder, 'openssl pkcs8 -topk8 -in good/tls.key -passout pass:x -out sealed/tls.key');
    expect(() => open('sealed')).toThrow(/it is sealed with a passphrase, expected an open key/);
  });
});
