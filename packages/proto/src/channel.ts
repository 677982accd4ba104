/**
 * How every client of a gRPC service of ours connects: in the open, or with our certificate to a peer that shows one for its
 * role.
 */
import { isIP } from 'node:net';
import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import type { X509Certificate } from 'node:crypto';
import { secureConnection, type Role, type TlsIdentity } from '@facet/security';
import { parseAddress } from '@facet/shared';
import { CHANNEL_OPTIONS } from './channel-options.js';

export interface ChannelTarget {
  /** host:port. */
  readonly address: string;
  /** The peer must be one of these. */
  readonly roles: readonly Role[];
  /** Absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  /** Told of the certificate of the peer, at every connection. */
  readonly onPeer?: (certificate: X509Certificate) => void;
}

/** Arguments of a client's constructor, for one client: the next one uses what lies in the TLS folder then. */
export function channelTo({
  address,
  roles,
  tls,
  onPeer,
}: ChannelTarget): [address: string, credentials: ChannelCredentials, options: ChannelOptions] {
  if (tls === undefined) return [address, credentials.createInsecure(), CHANNEL_OPTIONS];
  const { host } = parseAddress(address);
  const { secureContext, checkServerIdentity } = secureConnection({ tls, host, roles, onPeer });
  // gRPC would send an IP address as the name of the server, which is against RFC 6066. Our check knows the host itself.
  const name = isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': NO_NAME };
  return [
    address,
    credentials.createFromSecureContext(secureContext, { checkServerIdentity }),
    { ...CHANNEL_OPTIONS, ...name },
  ];
}

/** Ends in a top-level domain that never exists. */
const NO_NAME = 'facet.invalid';
