/**
 * Finds out why a port does not talk to us. gRPC only says that a connection was lost, and TLS 1.3 lets a client through the
 * handshake before its certificate is judged. So whoever fails asks once more, by a protocol of one line: the reason.
 */
import type { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { parseAddress } from '@facet/shared';
import { certificateFacts } from './certificate-facts.js';
import { faultOf } from './peer-verdict.js';
import type { Role } from './roles.js';
import { secureConnection } from './secure-connection.js';
import type { TlsIdentity } from './tls-identity.js';

/** The name of the protocol in the handshake (ALPN). */
export const EXPLAIN_PROTOCOL = 'facet-explain';
const DEADLINE_MS = 3_000;
const MOST_LINE_BYTES = 4_096;

export interface FailedConnection {
  /** host:port. */
  readonly address: string;
  /** The peer should be one of these. */
  readonly roles: readonly Role[];
  readonly tls: TlsIdentity | undefined;
}

/**
 * Why a connection fails as far as TLS is concerned, with what to do; undefined if it is something else, such as a port that
 * nobody listens on.
 */
export function explainFailure({ address, roles, tls }: FailedConnection): Promise<string | undefined> {
  const { host, port } = parseAddress(address);
  const options = tls === undefined ? { rejectUnauthorized: false } : secureConnection({ tls, host, roles });
  return new Promise((resolve) => {
    const socket = connect({ host, port, ALPNProtocols: [EXPLAIN_PROTOCOL], ...options });
    let isConnected = false;
    let isSecure = false;
    let line = '';
    const timer = setTimeout(() => {
      end(undefined);
    }, DEADLINE_MS);
    const end = (reason: string | undefined): void => {
      clearTimeout(timer);
      resolve(reason);
      socket.destroy();
    };
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.once('secureConnect', () => {
      isSecure = true;
      if (tls === undefined) end('it speaks TLS, and this side does not; name a folder with a certificate in --tls');
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      line += text;
      if (line.length > MOST_LINE_BYTES) end(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end(isConnected && tls !== undefined ? faultOfPeer(error, socket) : undefined);
    });
    socket.once('close', () => {
      const said = line.trim();
      if (isSecure && said !== '') end(said === 'welcome' ? undefined : `it refuses this process: ${said}`);
      else end(isConnected && !isSecure && tls !== undefined ? SPEAKS_NO_TLS : undefined);
    });
  });
}

const SPEAKS_NO_TLS = 'it speaks no TLS, and this side speaks nothing else; start it with --tls as well';

/** What is wrong on the other side, by the error of our handshake. */
function faultOfPeer({ code = '', message }: NodeJS.ErrnoException, socket: TLSSocket): string {
  if (code === 'FACET_PEER_REFUSED') return message;
  const certificate = peerCertificate(socket);
  if (certificate !== undefined) {
    const facts = certificateFacts(certificate);
    return `its certificate ${facts.subject} ${faultOf(code, facts)}`;
  }
  if (/ALERT/.test(code)) return `it ended the handshake: ${message.trim()}`;
  return SPEAKS_NO_TLS;
}

function peerCertificate(socket: TLSSocket): X509Certificate | undefined {
  try {
    return socket.getPeerX509Certificate();
  } catch {
    return undefined;
  }
}
