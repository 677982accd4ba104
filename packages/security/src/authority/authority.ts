/**
 * A private certificate authority: it makes keys, signs certificates with roles, and signs the list of those that were revoked.
 * It keeps nothing on disk; see pki-folder.ts. Keys are ECDSA over P-256.
 */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
  X509CrlGenerator,
  type JsonGeneralNames,
} from '@peculiar/x509';
import { TrainingError } from '@facet/shared';
import { roleUri, type RoleGrant } from '../roles.js';

/** Also the hash of its signatures. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Clocks of a cluster differ by less. */
const CLOCK_SKEW_MS = 5 * 60_000;
const SERIAL_BYTES = 16;
/** OpenSSL reads no other one; the library writes `CRL`. */
const LIST_LABEL = 'X509 CRL';

export interface IssueRequest {
  readonly grants: readonly RoleGrant[];
  /** DNS names, `*.example` for all of a domain, and IP addresses; none for one that only connects to others. */
  readonly hosts: readonly string[];
  /** From now on. */
  readonly days: number;
  /** Default: now, less what clocks differ. */
  readonly notBefore?: Date;
}

/** Texts in PEM. */
export interface SignedIdentity {
  readonly certificate: string;
  /** PKCS#8. */
  readonly key: string;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly notAfter: Date;
  issue(request: IssueRequest): Promise<SignedIdentity>;
  /** The list of revoked certificates with further ones; PEM. */
  revoke(earlier: string | undefined, serials: readonly string[]): Promise<string>;
}

/** Makes an authority. `key` is for whoever stores it. */
export async function createAuthority(options: {
  readonly name: string;
  readonly days: number;
}): Promise<{ readonly authority: Authority; readonly key: string }> {
  const keys = await newKeys();
  const notBefore = new Date(Date.now() - CLOCK_SKEW_MS);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [options.name] }],
    keys,
    notBefore,
    notAfter: new Date(Date.now() + options.days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      // It signs certificates of processes and no other authority.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { authority: authorityOf(certificate, keys.privateKey), key: await exportKey(keys.privateKey) };
}

/**
 * An authority that was stored.
 *
 * @param pem certificate and key; the key may be PKCS#8 or SEC1, of an elliptic curve
 * @throws TrainingError CERTIFICATE_INVALID when they do not belong together.
 */
export async function openAuthority(pem: { readonly certificate: string; readonly key: string }): Promise<Authority> {
  try {
    const certificate = new X509Certificate(pem.certificate);
    const der = createPrivateKey(pem.key).export({ type: 'pkcs8', format: 'der' });
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    return authorityOf(certificate, key);
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    throw new TrainingError('CERTIFICATE_INVALID', `the authority cannot be read: ${message}`, { cause: caught });
  }
}

function authorityOf(own: X509Certificate, signingKey: webcrypto.CryptoKey): Authority {
  return {
    certificate: own.toString('pem'),
    notAfter: own.notAfter,
    async issue({ grants, hosts, days, notBefore = new Date(Date.now() - CLOCK_SKEW_MS) }) {
      const keys = await newKeys();
      const wanted = new Date(Date.now() + days * DAY_MS);
      const certificate = await X509CertificateGenerator.create({
        serialNumber: newSerial(),
        subject: [{ CN: [commonName(grants)] }],
        issuer: own.subject,
        notBefore,
        // One that outlives its authority is worth nothing after it.
        notAfter: wanted < own.notAfter ? wanted : own.notAfter,
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          // A worker is asked by its peers and asks them; brokers of a cluster do so too.
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension(alternativeNames(grants, hosts)),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
          await AuthorityKeyIdentifierExtension.create(own),
        ],
      });
      return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
    },
    async revoke(earlier, serials) {
      const now = new Date();
      const before = earlier === undefined ? [] : entriesOf(earlier);
      const known = before.map(({ serialNumber, revocationDate }) => ({ serialNumber, revocationDate }));
      const added = serials
        .map((serial) => serial.toLowerCase())
        .filter((serial) => !known.some(({ serialNumber }) => sameSerial(serialNumber, serial)))
        .map((serialNumber) => ({ serialNumber, revocationDate: now }));
      const crl = await X509CrlGenerator.create({
        issuer: own.subject,
        thisUpdate: new Date(now.getTime() - CLOCK_SKEW_MS),
        // A list that is out of date would shut everybody out.
        nextUpdate: own.notAfter,
        entries: [...known, ...added],
        signingAlgorithm: ALGORITHM,
        signingKey,
        extensions: [await AuthorityKeyIdentifierExtension.create(own)],
      });
      return PemConverter.encode(crl.rawData, LIST_LABEL);
    },
  };
}

/** The serial numbers in a list of revoked certificates. */
export function revokedSerials(crl: string): string[] {
  return entriesOf(crl).map(({ serialNumber }) => serialNumber.toUpperCase());
}

function entriesOf(pem: string): X509Crl['entries'] {
  const [der] = PemConverter.decode(pem);
  if (der === undefined)
    throw new TrainingError('CERTIFICATE_INVALID', 'the list of revoked certificates holds no PEM');
  return new X509Crl(der).entries;
}

function sameSerial(a: string, b: string): boolean {
  const bare = (serial: string): string => serial.toLowerCase().replace(/^0+/, '');
  return bare(a) === bare(b);
}

function commonName(grants: readonly RoleGrant[]): string {
  const bound = new Set(grants.flatMap(({ role, name }) => (name === undefined ? [] : [role])));
  return grants
    .filter(({ role, name }) => name !== undefined || !bound.has(role))
    .map(({ role, name }) => (name === undefined ? role : `${role} ${name}`))
    .join(', ');
}

function alternativeNames(grants: readonly RoleGrant[], hosts: readonly string[]): JsonGeneralNames {
  const texts = grants.flatMap((grant) => [roleUri({ role: grant.role }), roleUri(grant)]);
  const uris = [...new Set(texts)].map((value) => ({ type: 'url' as const, value }));
  const places = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  return [...uris, ...places];
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

/** Positive, and without a leading zero, so that every program prints it in the same way. */
function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}
