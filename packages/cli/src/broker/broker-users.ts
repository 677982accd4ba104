/**
 * The users of a broker by role. A coordinator works with its run's streams. A worker reads its shards and the lease and does nothing
 * else: it can publish no shard, write no lease and delete no stream, whatever it is told.
 */
import { randomBytes } from 'node:crypto';
import { LEASE_STREAM, leaseSubject, shardStreamName, shardSubjectFilter } from '@facet/shared';

const PASSWORD_BYTES = 24;

export interface BrokerLogins {
  readonly coordinator: BrokerUser;
  readonly worker: BrokerUser;
}

export interface BrokerUser {
  readonly user: string;
  readonly password: string;
}

/** Logins that nobody can guess. */
export function randomLogins(): BrokerLogins {
  const of = (user: string): BrokerUser => ({ user, password: randomBytes(PASSWORD_BYTES).toString('base64url') });
  return { coordinator: of('coordinator'), worker: of('worker') };
}

/** A broker's URL with a login. */
export function urlWithLogin(url: string, { user, password }: BrokerUser): string {
  return url.replace('://', `://${user}:${password}@`);
}

/** What a role may do, in the words of nats-server. */
interface Permissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
}

/** The part `authorization` of nats-server's configuration, for one run. */
export function brokerAuthorization(run: string, { coordinator, worker }: BrokerLogins): object {
  const users = [
    { ...coordinator, permissions: coordinatorPermissions(run) },
    { ...worker, permissions: workerPermissions(run) },
  ];
  return { users };
}

/** Answers come to inboxes; JetStream's own calls carry the name of the stream that they are about. */
function coordinatorPermissions(run: string): Permissions {
  const publish = [
    shardSubjectFilter(run),
    leaseSubject(run),
    `facet.store.${run}.>`,
    '$JS.API.>',
    '$JS.ACK.>',
    '$JS.FC.>',
  ];
  return { publish: { allow: publish }, subscribe: { allow: ['_INBOX.>'] } };
}

function workerPermissions(run: string): Permissions {
  const stream = shardStreamName(run);
  const publish = [
    '$JS.API.INFO',
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.API.STREAM.MSG.GET.${LEASE_STREAM}`,
    '$JS.FC.>',
  ];
  return { publish: { allow: publish }, subscribe: { allow: ['_INBOX.>'] } };
}
