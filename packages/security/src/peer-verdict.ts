/**
 * Whether a peer may talk to us, after the handshake, and why not: in words that name its certificate, the reason and what to
 * do. Both sides of a connection use the same words.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import { certificateFacts, rolesOf, type CertificateFacts } from './certificate-facts.js';
import type { Role } from './roles.js';

export type Verdict =
  { readonly ok: true; readonly peer: CertificateFacts } | { readonly ok: false; readonly reason: string };

/** Judges who has connected. */
export function judgeClient(socket: TLSSocket, admits: readonly Role[]): Verdict {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    const roles = admits.join(' or ');
    return { ok: false, reason: `it shows no certificate, expected one for the role ${roles}; give it one with --tls` };
  }
  const peer = certificateFacts(certificate);
  if (!socket.authorized) {
    // The types say Error, Node says a code.
    const code = String(socket.authorizationError);
    return { ok: false, reason: `its certificate ${peer.subject} ${faultOf(code, peer)}` };
  }
  const fault = roleFault(peer, admits);
  return fault === undefined ? { ok: true, peer } : { ok: false, reason: fault };
}

/** A check of whom we have connected to, for `tls.connect`. It asks for one of the hosts and for one of the roles. */
export function serverCheck(
  hosts: readonly string[],
  roles: readonly Role[],
): (name: string, certificate: PeerCertificate) => Error | undefined {
  return (_name, certificate) => {
    const { hosts: covered, ...rest } = certificateFacts(new X509Certificate(certificate.raw));
    // A cluster's client does not say which of its hosts it has connected to.
    if (!hosts.some((host) => covers(certificate, host, covered))) {
      return refusal(
        `its certificate ${rest.subject} is for ${covered.join(', ') || 'no host'}, expected ${hosts.join(' or ')}; issue one with \`facet certs issue PKI --role ${roles[0]} --host ${hosts[0]}\``,
      );
    }
    const fault = roleFault({ hosts: covered, ...rest }, roles);
    return fault === undefined ? undefined : refusal(fault);
  };
}

/** Node takes no wildcard below a top-level domain, but private networks have names such as `node-1.cluster`. */
function covers(certificate: PeerCertificate, host: string, covered: readonly string[]): boolean {
  if (checkServerIdentity(host, certificate) === undefined) return true;
  const [label = '', ...domain] = host.toLowerCase().split('.');
  const isName = isIP(host) === 0 && label !== '' && domain.length === 1;
  return isName && covered.some((pattern) => pattern.toLowerCase() === `*.${domain.join('.')}`);
}

/** The name to send in the handshake; an IP address is none. */
export function serverName(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** What is wrong with a certificate, by OpenSSL's code: a part of a sentence that begins with the certificate. */
export function faultOf(code: string, { issuer, notBefore, notAfter }: CertificateFacts): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `expired on ${notAfter.toISOString()}; renew it with \`facet certs renew\``;
    case 'CERT_NOT_YET_VALID':
      return `is valid from ${notBefore.toISOString()} on; check the clocks of both machines`;
    case 'CERT_REVOKED':
      return 'was revoked; issue another one with `facet certs issue`';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return `is signed by ${issuer}, which is not the authority in ca.crt; issue it with the same one, or add that one to ca.crt`;
    case 'UNABLE_TO_GET_CRL':
      return `is signed by ${issuer}, of which ca.crl has no list; issue it with the authority in ca.crt, or add the list of its own one to ca.crl`;
    case 'CRL_HAS_EXPIRED':
    case 'CRL_NOT_YET_VALID':
    case 'CRL_SIGNATURE_FAILURE':
      return `cannot be checked against ca.crl (${code}); put the newest list of its authority there, or remove the file`;
    case 'INVALID_PURPOSE':
      return 'is not for this purpose; its extended key usage must have both serverAuth and clientAuth';
    default:
      return `is not valid (${code})`;
  }
}

/**
 * Why a certificate is not for a role that is asked for; undefined when it is.
 *
 * @param admits at least one role
 */
export function roleFault(peer: CertificateFacts, admits: readonly Role[]): string | undefined {
  const roles = rolesOf(peer);
  if (roles.some((role) => admits.includes(role))) return undefined;
  const actual = roles.length === 0 ? 'grants no role of Facet' : `is for the role ${roles.join(', ')}`;
  return `its certificate ${peer.subject} ${actual}, expected ${admits.join(' or ')}; issue one with \`facet certs issue PKI --role ${admits[0]}\``;
}

/**
 * Why a worker's certificate is not for a worker of this id; undefined when it is. A certificate without a name is for any
 * worker, one with names for the ids `NAME` and `NAME.anything`.
 */
export function workerIdFault(peer: CertificateFacts, workerId: string): string | undefined {
  const names = peer.grants.flatMap(({ role, name }) => (role === 'worker' && name !== undefined ? [name] : []));
  if (names.length === 0) return undefined;
  if (names.some((name) => workerId === name || workerId.startsWith(`${name}.`))) return undefined;
  return `its certificate ${peer.subject} is for the worker ${names.join(' or ')}, not for ${workerId}`;
}

/** The code of an error of our check; Node keeps no more of it where it goes on. */
export const PEER_REFUSED = 'FACET_PEER_REFUSED';

function refusal(message: string): Error {
  return Object.assign(new Error(message), { code: PEER_REFUSED });
}
