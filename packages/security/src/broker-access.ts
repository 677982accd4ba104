/**
 * How a process reaches the message broker: at an address, and with its certificate if it has one. A client of NATS connects
 * again by itself for days, so its options are read from the TLS folder at every attempt.
 */
import type { PeerCertificate } from 'node:tls';
import { brokerServers, type BrokerCredentials, type BrokerTls } from '@facet/shared';
import { serverCheck } from './peer-verdict.js';
import type { TlsIdentity } from './tls-identity.js';

export interface BrokerAccess {
  /** With the credentials, if there are any. */
  readonly url: string;
  /** Absent: as the broker asks for, without a certificate of our own. */
  readonly tls?: TlsIdentity | undefined;
  /** A key, for a URL without a login. */
  readonly credentials?: BrokerCredentials | undefined;
}

/** The `tls` option of the NATS client; none if there is no certificate. */
export function brokerTls({ url, tls }: BrokerAccess): { readonly tls?: BrokerTls } {
  if (tls === undefined) return {};
  const check = serverCheck(
    brokerServers(url).map(({ host }) => host),
    ['broker'],
  );
  return {
    tls: {
      minVersion: 'TLSv1.3',
      get ca() {
        return tls.current().files.ca.join('\n');
      },
      get cert() {
        return tls.current().files.cert;
      },
      get key() {
        return tls.current().files.key;
      },
      get crl() {
        return tls.current().files.crl ?? [];
      },
      checkServerIdentity: (name: string, certificate: object) => check(name, certificate as PeerCertificate),
    },
  };
}
