/**
 * The certificate of a command: from its --tls, or from the environment, where containers say it.
 */
import path from 'node:path';
import { TlsIdentity, type CertificateFacts, type Role } from '@facet/security';
import type { Environment } from '../context.js';

/** Roles that may look at a run: whoever takes part in it may, and whoever was given a certificate for it. */
export const WATCHERS: readonly Role[] = ['status', 'operator', 'coordinator', 'worker'];

export const TLS_FLAG = '--tls <folder>';
export const INSECURE_ABOUT = 'listen beyond this machine without TLS, on a network that is trusted';
export const TLS_ABOUT =
  'folder with ca.crt, tls.crt and tls.key: connections are encrypted, and both sides prove who they are';
/** Of a certificate's life. */
const LAST_SHARE = 0.1;
const TLS_VARIABLE = 'FACET_TLS_FOLDER';

export interface IdentityWish {
  /** What --tls says. */
  readonly folder: string | undefined;
  readonly env: Environment;
  readonly roles: readonly Role[];
  readonly onTrouble?: (message: string) => void;
}

/**
 * Reads the TLS folder of a command; undefined where nothing names one.
 *
 * @throws TrainingError CERTIFICATE_INVALID naming the file and what to do.
 */
export function openIdentity({ folder, env, ...options }: IdentityWish): TlsIdentity | undefined {
  const named = folder ?? env[TLS_VARIABLE];
  if (named === undefined || named === '') return undefined;
  const identity = new TlsIdentity(path.resolve(named), options);
  const warning = expiryWarning(identity.current().own, Date.now());
  if (warning !== undefined) options.onTrouble?.(`${identity.folder}: ${warning}`);
  return identity;
}

/** Said when a tenth of a certificate's life is left; connections that are open then stay open. */
export function expiryWarning(
  { notBefore, notAfter }: Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  nowMs: number,
): string | undefined {
  const leftMs = notAfter.getTime() - nowMs;
  if (leftMs > (notAfter.getTime() - notBefore.getTime()) * LAST_SHARE) return undefined;
  const hours = Math.max(0, Math.floor(leftMs / 3_600_000));
  return `the certificate expires in ${hours} hours, on ${notAfter.toISOString()}; renew it with \`facet certs renew\``;
}
