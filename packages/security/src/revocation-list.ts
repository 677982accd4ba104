/**
 * Which certificates a list of revoked ones names. It is loaded when there is a list, because the X.509 library takes its time.
 * Whether a list can be believed is decided by who may write the TLS folder; it lies beside the authority itself.
 */
import 'reflect-metadata';
import { PemConverter, X509Certificate, X509Crl } from '@peculiar/x509';

/** Says whether a certificate, in DER, was revoked. */
export type RevocationCheck = (certificate: Uint8Array) => boolean;

/**
 * @param lists in PEM, of one authority each
 * @throws when one cannot be read
 */
export function revocationCheck(lists: readonly string[]): RevocationCheck {
  const parsed = lists.flatMap((pem) => PemConverter.decode(pem).map((der) => new X509Crl(der)));
  return (bytes) => {
    const certificate = new X509Certificate(Uint8Array.from(bytes));
    // Serial numbers are an authority's own.
    return parsed.some((list) => list.issuer === certificate.issuer && list.findRevoked(certificate) !== null);
  };
}
