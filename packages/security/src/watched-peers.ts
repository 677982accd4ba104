/**
 * Peers of this process that were let in, and what ends their connections. TLS looks at the list of revoked certificates in the
 * handshake only, and a Join stream lives for days. So the list is applied to open connections whenever it has changed.
 */
import type { X509Certificate } from 'node:crypto';
import { TrainingError } from '@facet/shared';
import { certificateFacts } from './certificate-facts.js';
import type { RevocationCheck } from './revocation-list.js';

interface Peer {
  readonly certificate: X509Certificate;
  readonly ends: Set<() => void>;
}

export class WatchedPeers {
  /** By fingerprint. */
  readonly #peers = new Map<string, Peer>();
  /** The lists that everybody here was compared with; undefined when somebody was not. */
  #applied: readonly string[] | undefined;
  #check: { readonly lists: readonly string[]; readonly of: RevocationCheck } | undefined;

  get isEmpty(): boolean {
    return this.#peers.size === 0;
  }

  /** Calls `end` once if the certificate is revoked. Returns how to forget it. */
  add(certificate: X509Certificate, end: () => void): () => void {
    const name = certificate.fingerprint256;
    const known = this.#peers.get(name);
    const peer = known ?? { certificate, ends: new Set() };
    peer.ends.add(end);
    this.#peers.set(name, peer);
    // Its handshake may have been judged by the list before this one.
    if (known === undefined) this.#applied = undefined;
    return () => {
      peer.ends.delete(end);
      if (peer.ends.size === 0 && this.#peers.get(name) === peer) this.#peers.delete(name);
    };
  }

  /**
   * Ends the connections of revoked certificates.
   *
   * @param lists in PEM, the same array as long as they are the same
   * @returns one sentence about each certificate that was revoked
   */
  async apply(lists: readonly string[]): Promise<readonly string[]> {
    if (lists === this.#applied) return [];
    this.#applied = lists;
    if (lists.length === 0) return [];
    const isRevoked = await this.#checkOf(lists);
    return [...this.#peers].flatMap(([name, { certificate, ends }]) => {
      if (!isRevoked(certificate.raw)) return [];
      this.#peers.delete(name);
      for (const end of ends) end();
      const { subject, serial } = certificateFacts(certificate);
      return [
        `the certificate ${subject} (serial ${serial}) was revoked; its open connections (${ends.size}) are ended`,
      ];
    });
  }

  async #checkOf(lists: readonly string[]): Promise<RevocationCheck> {
    if (this.#check?.lists === lists) return this.#check.of;
    const { revocationCheck } = await import('./revocation-list.js');
    try {
      this.#check = { lists, of: revocationCheck(lists) };
    } catch (caught) {
      throw new TrainingError(
        'CERTIFICATE_INVALID',
        `ca.crl cannot be read, so no open connection is compared with it: ${TrainingError.from(caught).message}`,
        { cause: caught },
      );
    }
    return this.#check.of;
  }
}
