/**
 * The users of a broker by role. A coordinator works with its run's streams. A worker reads its shards and the lease and does nothing
 * else: it can publish no shard, write no lease and delete no stream, whatever it is told.
 */
import { randomBytes } from 'node:crypto';
import { inboxOf, LEASE_STREAM, leaseSubject, shardStreamName, shardSubjectFilter } from '@facet/shared';
import { runNames } from '@facet/storage';

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

/** How a broker knows a user: by a password, by a key, or by the role in its certificate. */
export type BrokerIdentity = BrokerUser | { readonly nkey: string } | { readonly user: string };

export interface BrokerIdentities {
  readonly coordinator: BrokerIdentity;
  readonly worker: BrokerIdentity;
}

/** The part `authorization` of nats-server's configuration, for one run. */
export function brokerAuthorization(run: string, { coordinator, worker }: BrokerIdentities): object {
  const users = [
    { ...coordinator, permissions: coordinatorPermissions(run) },
    { ...worker, permissions: workerPermissions(run) },
  ];
  return { users };
}

/** What a role may do, in the words of nats-server. */
interface Permissions {
  readonly publish: { readonly allow: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
}

/** JetStream's own calls carry the name of the stream that they are about. Answers come to the inboxes of the role. */
function coordinatorPermissions(run: string): Permissions {
  const { ledgerStream, objectStream } = runNames(run);
  const own = [shardStreamName(run), ledgerStream, objectStream];
  const publish = [
    shardSubjectFilter(run),
    leaseSubject(run),
    `facet.store.${run}.>`,
    '$JS.API.INFO',
    ...own.flatMap((stream) => [`$JS.API.STREAM.*.${stream}`, `$JS.API.STREAM.MSG.GET.${stream}`]),
    `$JS.API.DIRECT.GET.${objectStream}`,
    `$JS.API.DIRECT.GET.${objectStream}.>`,
    `$JS.API.CONSUMER.*.${ledgerStream}`,
    `$JS.API.CONSUMER.*.${ledgerStream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${ledgerStream}.>`,
    // The leases of all runs are in one stream. Nobody may change it or delete it.
    ...['CREATE', 'INFO', 'MSG.GET'].map((call) => `$JS.API.STREAM.${call}.${LEASE_STREAM}`),
  ];
  return { publish: { allow: publish }, subscribe: { allow: [`${inboxOf('coordinator', run)}.>`] } };
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
  ];
  return { publish: { allow: publish }, subscribe: { allow: [`${inboxOf('worker', run)}.>`] } };
}
