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

export interface FailureContext {
  /** What to do when no broker is there at all. */
  readonly advice: string;
  /** Where the key is from that was shown; absent if none was. */
  readonly keySource?: string | undefined;
  /** A certificate was shown. */
  readonly hasCertificate?: boolean;
}

/**
 * The error of a connection, or of a first request, that failed.
 *
 * @param url of the broker; its password does not get into the message
 * @returns BROKER_REFUSED when a broker is there and does not let us in, BROKER_UNREACHABLE when there is none
 */
export function brokerFailure(caught: unknown, url: string, context: FailureContext): TrainingError {
  const { advice } = context;
  const errors = chainOf(caught);
  const address = maskUrl(url);
  const { message } = TrainingError.from(caught);
  const refusal = refusalIn(errors, { ...context, hasLogin: url.includes('@') });
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
  return refusalIn(chainOf(caught), { hasLogin: false }) !== undefined;
}

function refusalIn(
  errors: readonly Error[],
  { hasLogin, keySource, hasCertificate }: Omit<FailureContext, 'advice'> & { readonly hasLogin: boolean },
): Refusal | undefined {
  if (errors.some(({ name }) => name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError')) {
    if (keySource !== undefined) {
      const advice = "add the key's user to the broker's configuration, or name the file of another user";
      return { what: `does not know the key of ${keySource}, or it has expired`, advice };
    }
    if (hasCertificate === true && !hasLogin) {
      const advice =
        "put the role of the certificate among the broker's users, as `facet broker config --pki PKI --run NAME` does, or " +
        'put a login into the URL';
      return { what: 'lets in no user of our certificate', advice };
    }
    return hasLogin
      ? { what: 'refuses the login', advice: 'correct user and password (or token) in the URL' }
      : {
          what: 'asks for a login',
          advice:
            'put it into the URL, nats://USER:PASSWORD@HOST:PORT, or name the file of a key in FACET_NATS_NKEY_FILE or ' +
            'FACET_NATS_CREDS_FILE',
        };
  }
  const violation = errors.find(({ name }) => name === 'PermissionViolationError');
  if (violation !== undefined) return permissionRefusal(violation);
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

/** The client says in members of its error which subject it was. */
function permissionRefusal(violation: Error & { readonly operation?: unknown; readonly subject?: unknown }): Refusal {
  const { operation } = violation;
  const subject = typeof violation.subject === 'string' && violation.subject !== '' ? violation.subject : undefined;
  const act = operation === 'subscription' ? 'subscribe to' : 'publish to';
  return {
    what: `does not permit this user to ${act} ${subject ?? 'a subject that Facet needs'}`,
    advice: `allow the user to ${act} it; \`facet broker config --run NAME\` prints users with all that a run needs`,
  };
}

function chainOf(caught: unknown): Error[] {
  const errors: Error[] = [];
  for (let error = caught; error instanceof Error && errors.length < 8; error = error.cause) errors.push(error);
  return errors;
}
