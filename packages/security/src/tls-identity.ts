/**
 * Who a process is on the network: its certificate, its key, and the authority that it believes. They lie in one folder under
 * the names that Kubernetes and cert-manager use. If a file was replaced, the next connection uses the new one; a folder that
 * is half replaced, or wrong, leaves the one before in use. While peers are connected, the folder is looked at every few seconds, so
 * that connections of a certificate that was revoked end.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { TrainingError } from '@facet/shared';
import { certificateFacts, rolesOf, type CertificateFacts } from './certificate-facts.js';
import type { Role } from './roles.js';
import { WatchedPeers } from './watched-peers.js';

/** The files of a TLS folder. The list of revoked certificates may be absent. */
export const TLS_FILES = { authority: 'ca.crt', certificate: 'tls.crt', key: 'tls.key', revoked: 'ca.crl' } as const;

/** All that a chain, a key or a list of thousands of revoked certificates takes. */
const MOST_FILE_BYTES = 4 * 1024 * 1024;
/** How soon open connections of a revoked certificate end. */
const LOOK_EVERY_MS = 2_000;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** What lies in the folder now. */
export interface TlsMaterial {
  /** Options of `tls.createServer`, `tls.createSecureContext` and of the NATS client. */
  readonly files: { readonly ca: string[]; readonly cert: string; readonly key: string; readonly crl?: string[] };
  /** TLS 1.3 only. */
  readonly context: SecureContext;
  readonly own: CertificateFacts;
}

export interface IdentityOptions {
  /** The role that this process plays; its certificate must grant one of them. */
  readonly roles: readonly Role[];
  /** Told once about each replacement that cannot be used, and about each peer's certificate that was revoked. */
  readonly onTrouble?: (message: string) => void;
  /** How often the folder is looked at while peers are connected. Default: every 2 s. */
  readonly lookEveryMs?: number;
}

export class TlsIdentity {
  readonly folder: string;
  readonly #roles: readonly Role[];
  readonly #onTrouble: (message: string) => void;
  readonly #lookEveryMs: number;
  readonly #peers = new WatchedPeers();
  #material: TlsMaterial;
  #seen: string;
  #looking: NodeJS.Timeout | undefined;

  /**
   * Reads a TLS folder.
   *
   * @throws TrainingError CERTIFICATE_INVALID naming the file and what to do.
   */
  constructor(folder: string, { roles, onTrouble = () => undefined, lookEveryMs = LOOK_EVERY_MS }: IdentityOptions) {
    this.folder = folder;
    this.#roles = roles;
    this.#onTrouble = onTrouble;
    this.#lookEveryMs = lookEveryMs;
    this.#seen = signatureOf(folder);
    this.#material = readMaterial(folder, roles);
  }

  /** What the next connection uses: read anew if a file has changed. */
  current(): TlsMaterial {
    const seen = signatureOf(this.folder);
    if (seen === this.#seen) return this.#material;
    this.#seen = seen;
    try {
      this.#material = readMaterial(this.folder, this.#roles);
    } catch (caught) {
      this.#onTrouble(`${TrainingError.from(caught).message}; the files from before stay in use`);
    }
    return this.#material;
  }

  /** Calls `end` once if the certificate of a connected peer is revoked. Returns how to stop that. */
  watch(certificate: X509Certificate, end: () => void): () => void {
    const forget = this.#peers.add(certificate, end);
    this.#looking ??= setInterval(() => {
      this.#look();
    }, this.#lookEveryMs).unref();
    return forget;
  }

  #look(): void {
    if (this.#peers.isEmpty) {
      clearInterval(this.#looking);
      this.#looking = undefined;
      return;
    }
    this.#peers.apply(this.current().files.crl ?? NO_LISTS).then(
      (news) => {
        for (const message of news) this.#onTrouble(message);
      },
      (caught: unknown) => {
        this.#onTrouble(TrainingError.from(caught).message);
      },
    );
  }
}

const NO_LISTS: readonly string[] = [];

/** Ends a connection to a peer, who was let in, if its certificate is revoked. */
export function endWhenRevoked(tls: TlsIdentity, socket: TLSSocket): void {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return;
  const stop = tls.watch(certificate, () => socket.destroy());
  socket.once('close', stop);
}

/** Changes whenever a file of the folder was written or replaced, also by a link that points elsewhere. */
function signatureOf(folder: string): string {
  return Object.values(TLS_FILES)
    .map((name) => {
      const stats = statSync(join(folder, name), { throwIfNoEntry: false, bigint: true });
      return stats === undefined ? '-' : `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
    })
    .join();
}

function readMaterial(folder: string, roles: readonly Role[]): TlsMaterial {
  const ca = pemBlocks(readText(folder, TLS_FILES.authority), 'CERTIFICATE');
  const chain = pemBlocks(readText(folder, TLS_FILES.certificate), 'CERTIFICATE');
  const key = readText(folder, TLS_FILES.key);
  const crl = pemBlocks(readOptional(folder, TLS_FILES.revoked) ?? '', 'X509 CRL');
  const place = (name: string): string => join(folder, name);
  if (ca.length === 0) throw invalid(place(TLS_FILES.authority), 'it holds no certificate in PEM');
  if (chain.length === 0) throw invalid(place(TLS_FILES.certificate), 'it holds no certificate in PEM');
  const authorities = ca.map((pem) => parseCertificate(pem, place(TLS_FILES.authority)));
  const certificates = chain.map((pem) => parseCertificate(pem, place(TLS_FILES.certificate)));
  const [leaf] = certificates as [X509Certificate, ...X509Certificate[]];
  if (!leaf.checkPrivateKey(parseKey(key, place(TLS_FILES.key)))) {
    throw invalid(place(TLS_FILES.key), `it is not the key of ${TLS_FILES.certificate}`);
  }
  const own = certificateFacts(leaf);
  requireUsable(own, { roles, file: place(TLS_FILES.certificate) });
  if (!leadsTo(certificates, authorities)) {
    throw invalid(
      place(TLS_FILES.certificate),
      `its issuer ${own.issuer} is neither in ${TLS_FILES.authority} nor in the chain behind it`,
    );
  }
  const files = { ca, cert: chain.join('\n'), key, ...(crl.length > 0 && { crl }) };
  try {
    return { files, own, context: createSecureContext({ ...files, minVersion: 'TLSv1.3' }) };
  } catch (caught) {
    throw invalid(folder, `OpenSSL does not take its files: ${TrainingError.from(caught).message}`, caught);
  }
}

function requireUsable(own: CertificateFacts, { roles, file }: { roles: readonly Role[]; file: string }): void {
  const now = Date.now();
  const renew = 'renew it with `facet certs renew`';
  if (own.notAfter.getTime() <= now) throw invalid(file, `it expired on ${own.notAfter.toISOString()}; ${renew}`);
  if (own.notBefore.getTime() > now) {
    throw invalid(file, `it is valid from ${own.notBefore.toISOString()} on; check the clock of this machine`);
  }
  const granted = rolesOf(own);
  if (granted.some((role) => roles.includes(role))) return;
  const actual = granted.length === 0 ? 'grants no role' : `is for the role ${granted.join(', ')}`;
  throw invalid(
    file,
    `${own.subject} ${actual}, expected ${roles.join(' or ')}; issue one with \`facet certs issue PKI --role ${roles[0]}\``,
  );
}

/** Whether a chain leads from its first certificate to an authority. */
function leadsTo(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  let [at] = chain;
  for (let length = 0; at !== undefined && length <= chain.length; length += 1) {
    const issued = at;
    const isIssuer = (by: X509Certificate): boolean => issued.checkIssued(by) && issued.verify(by.publicKey);
    if (authorities.some((by) => by.fingerprint256 === issued.fingerprint256 || isIssuer(by))) return true;
    at = chain.find((by) => by !== issued && isIssuer(by));
  }
  return false;
}

function pemBlocks(text: string, label: string): string[] {
  return [...text.matchAll(PEM_BLOCK)].flatMap(([block, name]) => (name === label ? [block] : []));
}

function parseCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (caught) {
    throw invalid(file, 'it holds a damaged certificate', caught);
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (caught) {
    const isSealed = pem.includes('ENCRYPTED');
    throw invalid(file, isSealed ? 'it is sealed with a passphrase, expected an open key' : 'it holds no key', caught);
  }
}

function readText(folder: string, name: string): string {
  const text = readOptional(folder, name);
  if (text !== undefined) return text;
  throw invalid(
    join(folder, name),
    `there is no such file; a TLS folder holds ${TLS_FILES.authority}, ${TLS_FILES.certificate} and ${TLS_FILES.key}; make one with \`facet certs issue\``,
  );
}

function readOptional(folder: string, name: string): string | undefined {
  const file = join(folder, name);
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > MOST_FILE_BYTES)
      throw new Error(`it has ${stats.size} bytes, expected at most ${MOST_FILE_BYTES}`);
    return readFileSync(file, 'utf8');
  } catch (caught) {
    throw invalid(file, TrainingError.from(caught).message, caught);
  }
}

function invalid(place: string, fault: string, cause?: unknown): TrainingError {
  return new TrainingError('CERTIFICATE_INVALID', `${place}: ${fault}`, cause === undefined ? {} : { cause });
}
