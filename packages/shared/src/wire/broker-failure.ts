/**
 * What it means when the client of a NATS broker fails, and what to do about it. Errors are told apart by the names that the client gives
 * them, because nothing here imports it.
 */
import { TrainingError } from '../errors.js';
import { maskUrl } from './masked-url.js';

/** Node's names for what is wrong with a certificate, and with an answer that is no TLS. */
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)|_CERT_|_ISSUER_|^EPROTO$/;

interface Refusal {
  /** Follows "the NATS broker at URL". */
  readonly what: string;
  readonly advice: string;
}

/**
 * The error of a connection, or of a first request, that failed.
 *
 * @param url of the broker; its password does not get into the message
 * @param advice what to do when no broker is there at all
 * @returns BROKER_REFUSED when a broker is there and does not let us in, BROKER_UNREACHABLE when there is none
 */
export function brokerFailure(caught: unknown, url: string, advice: string): TrainingError {
  const errors = chainOf(caught);
  const address = maskUrl(url);
  const { message } = TrainingError.from(caught);
  const refusal = refusalIn(errors, url);
  if (refusal !== undefined) {
    const text = `the NATS broker at ${address} ${refusal.what} (${message}); ${refusal.advice}`;
    return new TrainingError('BROKER_REFUSED', text, { cause: caught });
  }
  const isOther = errors.some((error) => error.message.startsWith('unexpected response'));
  const text = isOther
    ? `what answers at ${address} is no NATS broker (${message}); ${advice}`
    : `no NATS broker answers at ${address}: ${message}; ${advice}`;
  return new TrainingError('BROKER_UNREACHABLE', text, { cause: caught });
}

/** Whether a broker is there and does not let us in; that it has no JetStream is something else. */
export function isBrokerRefusal(caught: unknown): boolean {
  return refusalIn(chainOf(caught), '') !== undefined;
}

function refusalIn(errors: readonly Error[], url: string): Refusal | undefined {
  if (errors.some(({ name }) => name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError')) {
    const hasLogin = url.includes('@');
    return hasLogin
      ? { what: 'refuses the login', advice: 'correct user and password (or token) in the URL' }
      : { what: 'asks for a login', advice: 'put it into the URL: nats://USER:PASSWORD@HOST:PORT' };
  }
  if (errors.some(({ name }) => name === 'PermissionViolationError')) {
    const advice = 'give the user the subjects $JS.API.>, $KV.>, _INBOX.> and facet.>';
    return { what: 'does not permit this user what Facet does', advice };
  }
  // The code of our own check of its host and its role.
  if (errors.some((error) => (error as NodeJS.ErrnoException).code === 'FACET_PEER_REFUSED')) {
    return { what: 'is not accepted', advice: 'or correct the address' };
  }
  if (errors.some(({ message }) => message.includes("does not support 'tls'"))) {
    const advice = 'print a configuration with `facet broker config`, or leave --tls out';
    return { what: 'speaks no TLS, and this side speaks nothing else', advice };
  }
  if (errors.some((error) => TLS_CODE.test(String((error as NodeJS.ErrnoException).code)))) {
    const advice =
      "name a folder with a certificate of the broker's authority in --tls; without one, an authority of your own goes " +
      'into NODE_EXTRA_CA_CERTS';
    return { what: 'asks for TLS, which failed', advice };
  }
  return undefined;
}

function chainOf(caught: unknown): Error[] {
  const errors: Error[] = [];
  for (let error = caught; error instanceof Error && errors.length < 8; error = error.cause) errors.push(error);
  return errors;
}
