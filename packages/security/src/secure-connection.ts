/**
 * Options of a connection that we open: our certificate, and the check of the peer's host and role. They are for one attempt;
 * the next one uses what lies in the folder then.
 */
import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { serverCheck, serverName } from './peer-verdict.js';
import type { Role } from './roles.js';
import type { TlsIdentity } from './tls-identity.js';

/** How connections to others are opened. */
export interface SecureTarget {
  readonly tls: TlsIdentity;
  /** As the address says it: a name, or an IP address without brackets. */
  readonly host: string;
  /** The peer must be one of these. */
  readonly roles: readonly Role[];
  /** Told of the certificate of a peer that will do. */
  readonly onPeer?: ((certificate: X509Certificate) => void) | undefined;
}

/** A part of the options of `tls.connect`. */
export interface SecureConnection {
  readonly secureContext: SecureContext;
  readonly checkServerIdentity: NonNullable<ConnectionOptions['checkServerIdentity']>;
  /** Absent where the host is an IP address. */
  readonly servername?: string;
}

export function secureConnection({ tls, host, roles, onPeer }: SecureTarget): SecureConnection {
  const check = serverCheck([host], roles);
  return {
    secureContext: tls.current().context,
    checkServerIdentity(name, certificate) {
      const fault = check(name, certificate);
      if (fault === undefined) onPeer?.(new X509Certificate(certificate.raw));
      return fault;
    },
    ...serverName(host),
  };
}
