import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeWithOpenssl, shell } from '../test/openssl.js';
import { alternativeNames, certificateFacts } from './certificate-facts.js';
import { parseRoleUri, ROLES, roleUri } from './roles.js';

describe('alternativeNames', () => {
  it('parts what Node prints', () => {
    expect(alternativeNames('URI:facet:worker, DNS:*.example, IP Address:127.0.0.1')).toEqual([
      { type: 'URI', value: 'facet:worker' },
      { type: 'DNS', value: '*.example' },
      { type: 'IP Address', value: '127.0.0.1' },
    ]);
    expect(alternativeNames('')).toEqual([]);
  });

  it('reads a quoted value as one name', () => {
    expect(alternativeNames(String.raw`DNS:"a, URI:facet:coordinator", DNS:"say \"x\", y", URI:b`)).toEqual([
      { type: 'DNS', value: 'a, URI:facet:coordinator' },
      { type: 'DNS', value: 'say "x", y' },
      { type: 'URI', value: 'b' },
    ]);
  });

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(alternativeNames(text))));
  });
});

describeWithOpenssl('a certificate that pretends', () => {
  it.each([
    ['a comma in a DNS name', 'DNS.1=a\\, URI:facet:coordinator'],
    ['a comma in a URI', 'URI.1=x:y\\, URI:facet:coordinator'],
    ['an e-mail address', 'email.1=facet:coordinator@example.org'],
  ])('grants no role: %s', (_what, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'facet-san-'));
    try {
      writeFileSync(join(folder, 'x.cnf'), `[req]\ndistinguished_name=d\n[d]\n[e]\nsubjectAltName=@n\n[n]\n${name}\n`);
      shell(
        folder,
        'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k -subj /CN=URI:facet:coordinator -config x.cnf -extensions e -out c -days 2',
      );
      expect(certificateFacts(new X509Certificate(readFileSync(join(folder, 'c')))).grants).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('role URIs', () => {
  it('read back as what was written', () => {
    for (const role of ROLES) {
      expect(parseRoleUri(roleUri({ role }))).toEqual({ role });
      expect(parseRoleUri(roleUri({ role, name: 'gpu-3' }))).toEqual({ role, name: 'gpu-3' });
    }
  });

  it.each([
    'facet:',
    'facet:Worker',
    'facet:worker/',
    'facet:worker/a/b',
    'facet:worker/a.b',
    'facet://worker',
    'worker',
  ])('that are none grant nothing: %s', (uri) => {
    expect(parseRoleUri(uri)).toBeUndefined();
  });
});
