/**
 * Ends what runs over connections whose sockets we do not see, as those of a gRPC client, when the peer's certificate is revoked.
 */
import type { X509Certificate } from 'node:crypto';
import type { TlsIdentity } from './tls-identity.js';

export interface PeerWatch {
  /** Told of the peer at every handshake; the newest one counts. */
  readonly onPeer: (certificate: X509Certificate) => void;
  /** Nothing is ended any more. */
  readonly stop: () => void;
}

/** @param tls of this process; absent: in the open, where no peer has a certificate */
export function watchPeer(tls: TlsIdentity | undefined, end: () => void): PeerWatch {
  let forget: () => void = () => undefined;
  let isStopped = false;
  return {
    onPeer(certificate) {
      if (isStopped || tls === undefined) return;
      forget();
      forget = tls.watch(certificate, end);
    },
    stop() {
      isStopped = true;
      forget();
    },
  };
}
