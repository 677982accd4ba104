/**
 * A private authority in a folder: `ca.crt` for everybody, `ca.key` for nobody else, `ca.crl` with what was revoked, and in
 * `issued/` a copy of every certificate, so that one can be revoked whose folder is lost.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makePrivateFolder, readRegularText, TrainingError, writeWhole } from '@facet/shared';
import { certificateFacts, type CertificateFacts } from '../certificate-facts.js';
import { TLS_FILES } from '../tls-identity.js';
import { createAuthority, openAuthority, revokedSerials, type Authority, type IssueRequest } from './authority.js';
import { writeTlsFolder } from './tls-folder.js';

const KEY_FILE = 'ca.key';
const ISSUED_FOLDER = 'issued';
const DAY_MS = 86_400_000;
const MOST_BYTES = 4 * 1024 * 1024;

export interface Pki {
  readonly folder: string;
  readonly authority: Authority;
  /** Issues a certificate into a TLS folder. */
  issue(request: IssueRequest, out: string): Promise<CertificateFacts>;
  /**
   * Issues the certificate of a TLS folder again, with a new key: same roles and hosts.
   *
   * @param days default: as many as before
   * @throws TrainingError CERTIFICATE_INVALID when it is another authority's.
   */
  renew(folder: string, days?: number): Promise<CertificateFacts>;
  /** Adds certificates to the list of those that were revoked. */
  revoke(serials: readonly string[]): Promise<void>;
  /** Everything that was issued, oldest first. */
  issued(): Promise<(CertificateFacts & { readonly isRevoked: boolean })[]>;
}

/**
 * Makes a folder with a new authority.
 *
 * @throws TrainingError OUTPUT_EXISTS when there is one.
 */
export async function initPki(folder: string, options: { readonly name: string; readonly days: number }): Promise<Pki> {
  if (existsSync(join(folder, KEY_FILE)) || existsSync(join(folder, TLS_FILES.authority))) {
    throw new TrainingError('OUTPUT_EXISTS', `${folder} holds an authority already; name another folder`);
  }
  const { authority, key } = await createAuthority(options);
  await makePrivateFolder(join(folder, ISSUED_FOLDER));
  await makePrivateFolder(folder);
  await writeWhole(join(folder, KEY_FILE), key, 'owner');
  await writeWhole(join(folder, TLS_FILES.revoked), await authority.revoke(undefined, []), 'as-umask-says');
  await writeWhole(join(folder, TLS_FILES.authority), authority.certificate, 'as-umask-says');
  return pkiOf(folder, authority);
}

/** @throws TrainingError CERTIFICATE_INVALID when the folder holds no authority. */
export async function openPki(folder: string): Promise<Pki> {
  const certificate = await read(folder, TLS_FILES.authority);
  return pkiOf(folder, await openAuthority({ certificate, key: await read(folder, KEY_FILE) }));
}

function pkiOf(folder: string, authority: Authority): Pki {
  const listFile = join(folder, TLS_FILES.revoked);
  const revoked = async (): Promise<string> =>
    existsSync(listFile) ? read(folder, TLS_FILES.revoked) : authority.revoke(undefined, []);
  const issue = async (request: IssueRequest, out: string): Promise<CertificateFacts> => {
    const { certificate, key } = await authority.issue(request);
    const facts = certificateFacts(new X509Certificate(certificate));
    await makePrivateFolder(join(folder, ISSUED_FOLDER));
    await writeWhole(join(folder, ISSUED_FOLDER, `${facts.serial}.crt`), certificate, 'as-umask-says');
    await writeTlsFolder(out, { authority: authority.certificate, certificate, key, revoked: await revoked() });
    return facts;
  };
  return {
    folder,
    authority,
    issue,
    async renew(tlsFolder, days) {
      const { certificate, ...facts } = await readCertificate(tlsFolder);
      if (!certificate.verify(new X509Certificate(authority.certificate).publicKey)) {
        throw new TrainingError(
          'CERTIFICATE_INVALID',
          `${facts.file}: it was issued by ${facts.issuer}, which is not the authority in ${folder}`,
        );
      }
      const { grants, hosts, notBefore, notAfter } = facts;
      const before = Math.max(1, Math.floor((notAfter.getTime() - notBefore.getTime()) / DAY_MS));
      return issue({ grants, hosts, days: days ?? before }, tlsFolder);
    },
    async revoke(serials) {
      await writeWhole(listFile, await authority.revoke(await revoked(), serials), 'as-umask-says');
    },
    async issued() {
      const dead = new Set(revokedSerials(await revoked()));
      const names = await readdir(join(folder, ISSUED_FOLDER)).catch(() => []);
      const pems = names.filter((name) => name.endsWith('.crt')).map((name) => read(join(folder, ISSUED_FOLDER), name));
      return (await Promise.all(pems))
        .map((pem) => certificateFacts(new X509Certificate(pem)))
        .map((facts) => ({ ...facts, isRevoked: dead.has(facts.serial) }))
        .sort((a, b) => a.notBefore.getTime() - b.notBefore.getTime() || (a.serial < b.serial ? -1 : 1));
    },
  };
}

/** A certificate with where it is. */
export interface StoredCertificate extends CertificateFacts {
  readonly file: string;
  readonly certificate: X509Certificate;
}

/**
 * Reads the certificate of a TLS folder, or of a file.
 *
 * @throws TrainingError CERTIFICATE_INVALID naming the file.
 */
export async function readCertificate(place: string): Promise<StoredCertificate> {
  const isFolder = (await stat(place).catch(() => undefined))?.isDirectory() === true;
  const file = isFolder ? join(place, TLS_FILES.certificate) : place;
  const text = await read(dirname(file), basename(file));
  try {
    const certificate = new X509Certificate(text);
    return { file, certificate, ...certificateFacts(certificate) };
  } catch (caught) {
    throw new TrainingError('CERTIFICATE_INVALID', `${file}: it holds no certificate in PEM`, { cause: caught });
  }
}

/** True for a folder with an authority and its key. */
export function isPkiFolder(folder: string): boolean {
  return existsSync(join(folder, KEY_FILE));
}

async function read(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  try {
    return await readRegularText(file, MOST_BYTES);
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    const fault =
      code === 'ENOENT'
        ? 'there is no such file; `facet certs init` makes an authority, `facet certs issue` a certificate'
        : message;
    throw new TrainingError('CERTIFICATE_INVALID', `${file}: ${fault}`, { cause: caught });
  }
}
