import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithOpenssl, openssl, shell } from '../../test/openssl.js';
import { TlsIdentity } from '../tls-identity.js';
import { openAuthority } from './authority.js';
import { initPki, openPki, readCertificate, type Pki } from './pki-folder.js';

let folder: string;
let pki: Pki;
const at = (...parts: string[]): string => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-pki-'));
  pki = await initPki(at('pki'), { name: 'test authority', days: 30 });
  await pki.issue(
    { grants: [{ role: 'coordinator' }], hosts: ['train-0.example', '10.0.0.7', '::1'], days: 9 },
    at('c'),
  );
  await pki.issue({ grants: [{ role: 'worker', name: 'gpu-3' }], hosts: ['*.gpu.example'], days: 9 }, at('w'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('what is written', () => {
  it('leaves keys to their owner', async () => {
    const modeOf = async (...parts: string[]): Promise<number> => (await stat(at(...parts))).mode & 0o777;
    expect(await modeOf('pki')).toBe(0o700);
    expect(await modeOf('pki', 'ca.key')).toBe(0o600);
    expect(await modeOf('c')).toBe(0o700);
    expect(await modeOf('c', 'tls.key')).toBe(0o600);
  });

  it('refuses to make an authority over another one', async () => {
    await expect(initPki(at('pki'), { name: 'b', days: 1 })).rejects.toThrow(/holds an authority already/);
  });

  it('lists what was issued', async () => {
    const issued = await (await openPki(at('pki'))).issued();
    expect(issued.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['CN=coordinator', 'CN=worker gpu-3']));
  });
});

describeWithOpenssl('OpenSSL', () => {
  it('verifies the chain, for both purposes', () => {
    for (const purpose of ['sslserver', 'sslclient']) {
      expect(openssl(folder, 'verify', '-x509_strict', '-CAfile', 'pki/ca.crt', '-purpose', purpose, 'c/tls.crt')).toBe(
        'c/tls.crt: OK\n',
      );
    }
  });

  it('reads roles, hosts, purposes and limits', () => {
    const text = openssl(folder, 'x509', '-in', 'w/tls.crt', '-noout', '-text');
    expect(text).toContain('URI:facet:worker, URI:facet:worker/gpu-3, DNS:*.gpu.example');
    expect(text).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    const ca = openssl(folder, 'x509', '-in', 'pki/ca.crt', '-noout', '-text');
    expect(ca).toMatch(/CA:TRUE, pathlen:0/);
    expect(ca).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    const of = (name: string): string => openssl(folder, 'x509', '-in', name, '-noout', '-checkhost', 'a.gpu.example');
    expect(of('w/tls.crt')).toContain('does match');
    expect(of('c/tls.crt')).toContain('does NOT match');
    expect(openssl(folder, 'x509', '-in', 'c/tls.crt', '-noout', '-checkip', '10.0.0.7')).toContain('does match');
  });

  it('reads the serial number as we print it, and an open PKCS#8 key', async () => {
    const { serial } = await readCertificate(at('c'));
    expect(openssl(folder, 'x509', '-in', 'c/tls.crt', '-noout', '-serial')).toBe(`serial=${serial}\n`);
    expect(await readFile(at('c', 'tls.key'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(openssl(folder, 'pkey', '-in', 'c/tls.key', '-noout', '-check')).toContain('Key is valid');
  });

  it('takes our list of revoked certificates, with each of them once', async () => {
    const verify = (name: string): string =>
      openssl(folder, 'verify', '-CAfile', 'pki/ca.crt', '-crl_check', '-CRLfile', 'pki/ca.crl', name);
    expect(verify('w/tls.crt')).toBe('w/tls.crt: OK\n');
    const { serial } = await readCertificate(at('w'));
    const open = await openPki(at('pki'));
    await open.revoke([serial]);
    await open.revoke([serial.toLowerCase()]);
    expect(verify('w/tls.crt')).toContain('certificate revoked');
    expect(verify('c/tls.crt')).toBe('c/tls.crt: OK\n');
    const list = openssl(folder, 'crl', '-in', 'pki/ca.crl', '-noout', '-text');
    expect(list.match(/Serial Number/g)).toHaveLength(1);
    expect(list).toContain(serial);
    expect(openssl(folder, 'crl', '-in', 'pki/ca.crl', '-noout', '-CAfile', 'pki/ca.crt')).toContain('verify OK');
    expect((await open.issued()).find((facts) => facts.serial === serial)?.isRevoked).toBe(true);
  });

  it('makes authorities that can go on here: SEC1 keys too', async () => {
    shell(
      folder,
      'openssl ecparam -name prime256v1 -genkey -noout -out o.key; openssl req -x509 -new -key o.key -days 5 -subj /CN=other -out o.crt',
    );
    const other = await openAuthority({
      certificate: await readFile(at('o.crt'), 'utf8'),
      key: await readFile(at('o.key'), 'utf8'),
    });
    const { certificate } = await other.issue({ grants: [{ role: 'status' }], hosts: [], days: 1 });
    await import('node:fs/promises').then(({ writeFile }) => writeFile(at('o-status.crt'), certificate));
    expect(openssl(folder, 'verify', '-CAfile', 'o.crt', 'o-status.crt')).toBe('o-status.crt: OK\n');
  });
});

describe('renew', () => {
  it('keeps roles and hosts and takes a new key and serial number', async () => {
    const before = await readCertificate(at('c'));
    const keyBefore = await readFile(at('c', 'tls.key'), 'utf8');
    const after = await pki.renew(at('c'));
    expect(after).toMatchObject({ grants: before.grants, hosts: before.hosts });
    expect(after.serial).not.toBe(before.serial);
    expect(await readFile(at('c', 'tls.key'), 'utf8')).not.toBe(keyBefore);
    expect(new TlsIdentity(at('c'), { roles: ['coordinator'] }).current().own.serial).toBe(after.serial);
    const days = (after.notAfter.getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(8.9);
    expect(days).toBeLessThan(9.1);
  });

  it('refuses a certificate of another authority', async () => {
    const other = await initPki(at('other'), { name: 'test authority', days: 30 });
    await expect(other.renew(at('c'))).rejects.toThrow(/is not the authority in/);
  });

  it('never outlives the authority', async () => {
    const { notAfter } = await pki.issue({ grants: [{ role: 'status' }], hosts: [], days: 3_000 }, at('long'));
    expect(notAfter.getTime()).toBeLessThanOrEqual(pki.authority.notAfter.getTime());
  });
});
