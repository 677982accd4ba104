/**
 * Writes the folder that a process is given with --tls. A process that runs takes the new files with its next connection, so
 * the certificate comes last: until then the key does not fit, and the files from before stay in use.
 */
import { join } from 'node:path';
import { makePrivateFolder, writeWhole } from '@facet/shared';
import { TLS_FILES } from '../tls-identity.js';

/** Texts in PEM. */
export interface IssuedIdentity {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly revoked: string;
}

export async function writeTlsFolder(folder: string, issued: IssuedIdentity): Promise<void> {
  await makePrivateFolder(folder);
  await writeWhole(join(folder, TLS_FILES.authority), issued.authority, 'owner');
  await writeWhole(join(folder, TLS_FILES.revoked), issued.revoked, 'owner');
  await writeWhole(join(folder, TLS_FILES.key), issued.key, 'owner');
  await writeWhole(join(folder, TLS_FILES.certificate), issued.certificate, 'owner');
}
