/**
 * Who makes a call, as its certificate says. The port has checked the certificate before; what is asked here is whether this
 * call is for that role.
 */
import { X509Certificate } from 'node:crypto';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { certificateFacts, type CertificateFacts } from '@facet/security';

/** The part of a call that is used here. */
export type CallWithPeer = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>;

/** What the caller's certificate says; undefined on a port without TLS. */
export function callPeer(call: CallWithPeer): CertificateFacts | undefined {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  return raw === undefined ? undefined : certificateFacts(new X509Certificate(raw));
}
