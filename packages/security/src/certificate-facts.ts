/**
 * What a certificate says, as far as Facet asks: whom it was issued to, for which roles and hosts, and until when. Whether it
 * can be believed is decided by TLS before.
 */
import type { X509Certificate } from 'node:crypto';
import { parseRoleUri, type Role, type RoleGrant } from './roles.js';

export interface CertificateFacts {
  /** In one line, as in `CN=worker`. */
  readonly subject: string;
  readonly issuer: string;
  readonly grants: readonly RoleGrant[];
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
  /** Hexadecimal, upper case. */
  readonly serial: string;
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const names = alternativeNames(certificate.subjectAltName ?? '');
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    grants: names.flatMap(({ type, value }) => (type === 'URI' ? (parseRoleUri(value) ?? []) : [])),
    hosts: names.flatMap(({ type, value }) => (type === 'DNS' || type === 'IP Address' ? [value] : [])),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

/** The roles that a certificate grants, each once. */
export function rolesOf({ grants }: Pick<CertificateFacts, 'grants'>): Role[] {
  return [...new Set(grants.map(({ role }) => role))];
}

interface AlternativeName {
  readonly type: string;
  readonly value: string;
}

/**
 * Parts Node's text of the alternative names. A value with a comma or a quote in it stands as a JSON string there, so no value
 * can pretend to be two (https://nodejs.org/api/crypto.html#x509subjectaltname).
 */
export function alternativeNames(text: string): AlternativeName[] {
  const names: AlternativeName[] = [];
  const entry = /(?:^|, )([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/gy;
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, type = '', value = ''] = match;
    names.push({ type, value: value.startsWith('"') ? (JSON.parse(value) as string) : value });
  }
  return names;
}

function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
