/**
 * Finds out why a port does not talk to us. gRPC only says that a connection was lost, and TLS 1.3 lets a client through the
 * handshake before its certificate is judged. So whoever fails asks once more, by a protocol of one line: the reason.
 */
import { connect, type TLSSocket } from 'node:tls';
import { parseAddress } from '@facet/shared';
import { certificateFacts } from './certificate-facts.js';
import { faultOf, PEER_REFUSED } from './peer-verdict.js';
import type { Role } from './roles.js';
import { secureConnection, type SecureConnection } from './secure-connection.js';
import type { TlsIdentity } from './tls-identity.js';

/** The name of the protocol in the handshake (ALPN). */
export const EXPLAIN_PROTOCOL = 'facet-explain';
/** A host that drops packets would let us wait for minutes. */
const CONNECT_MS = 3_000;
/** A port that is there may be busy with the handshakes of others. */
const ANSWER_MS = 10_000;
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
  const secure = tls === undefined ? undefined : secureConnection({ tls, host, roles });
  return new Promise((resolve) => {
    // The handshake goes on with a peer that will not do, so that its certificate can be looked at. Nothing is sent to it.
    const socket = connect({ host, port, ALPNProtocols: [EXPLAIN_PROTOCOL], ...secure, rejectUnauthorized: false });
    let isConnected = false;
    let isSecure = false;
    let line = '';
    const hasSpoken = (): boolean => socket.bytesRead > 0;
    const giveUp = (): void => {
      end(undefined);
    };
    let timer = setTimeout(giveUp, CONNECT_MS);
    const end = (reason: string | undefined): void => {
      clearTimeout(timer);
      resolve(reason);
      socket.destroy();
    };
    socket.once('connect', () => {
      isConnected = true;
      clearTimeout(timer);
      timer = setTimeout(giveUp, ANSWER_MS);
    });
    socket.once('secureConnect', () => {
      isSecure = true;
      if (secure === undefined) end('it speaks TLS, and this side does not; name a folder with a certificate in --tls');
      else if (!socket.authorized) end(faultOfPeer(socket, secure));
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      line += text;
      if (line.length > MOST_LINE_BYTES) end(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const { code = '', message } = error;
      if (!isConnected || tls === undefined) end(undefined);
      else if (/ALERT/.test(code)) end(`it ended the handshake: ${message.trim()}`);
      // Who hangs up without a word may be a balancer whose target is away: that passes.
      else end(code === 'ECONNRESET' && !hasSpoken() ? undefined : SPEAKS_NO_TLS);
    });
    socket.once('close', () => {
      const said = line.trim();
      if (isSecure && said !== '') end(said === 'welcome' ? undefined : `it refuses this process: ${said}`);
      else end(isConnected && !isSecure && tls !== undefined && hasSpoken() ? SPEAKS_NO_TLS : undefined);
    });
  });
}

const SPEAKS_NO_TLS = 'it speaks no TLS, and this side speaks nothing else; start it with --tls as well';

/** What is wrong with the peer whom the handshake led to. */
function faultOfPeer(socket: TLSSocket, { checkServerIdentity }: SecureConnection): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'it shows no certificate';
  // The types say Error, Node says a code.
  const code = String(socket.authorizationError);
  const facts = certificateFacts(certificate);
  if (code === PEER_REFUSED) return checkServerIdentity('', certificate.toLegacyObject())?.message;
  return `its certificate ${facts.subject} ${faultOf(code, facts)}`;
}
