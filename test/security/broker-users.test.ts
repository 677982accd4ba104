/** What the users of a broker may do, asked of a real nats-server: a worker reads its shards and the lease, and nothing else. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { inboxOf, LEASE_STREAM, LEASE_SUBJECTS, leaseSubject, shardStreamName, shardSubject } from '@facet/shared';
import { findBroker, randomLogins, startBroker } from 'facet-train/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const RUN = 'mine';
const logins = randomLogins();
const TIMEOUT = { timeout: 500 };

let url: string;
let end: () => Promise<unknown>;
let coordinator: NatsConnection;
let worker: NatsConnection;

beforeAll(async () => {
  const found = await findBroker({ env: process.env });
  if (!found.ok) throw new Error('no nats-server was found; npm test installs one');
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-users-'));
  const options = { binary: found.broker.path, folder, logFile: path.join(folder, 'broker.log'), env: process.env };
  const broker = await startBroker({ ...options, users: { run: RUN, logins } }, () => undefined);
  end = () => {
    broker.process.release();
    return broker.process.ended;
  };
  url = new URL(broker.url).host;
  const as = (name: 'coordinator' | 'worker'): Promise<NatsConnection> =>
    connect({ servers: url, user: logins[name].user, pass: logins[name].password, inboxPrefix: inboxOf(name, RUN) });
  coordinator = await as('coordinator');
  worker = await as('worker');
  const { streams } = await jetstreamManager(coordinator);
  await streams.add({ name: shardStreamName(RUN), subjects: [`facet.${RUN}.shard.>`], storage: 'memory' });
  await streams.add({ name: LEASE_STREAM, subjects: [LEASE_SUBJECTS], storage: 'memory' });
  await jetstream(coordinator).publish(shardSubject(RUN, 1, 0), 'a shard');
  await jetstream(coordinator).publish(leaseSubject(RUN), 'a lease');
});

afterAll(async () => {
  await worker.close();
  await coordinator.close();
  await end();
});

/** How many messages a stream has, as a coordinator sees it. */
async function count(stream: string): Promise<number> {
  return (await (await jetstreamManager(coordinator)).streams.info(stream)).state.messages;
}

describe("a worker's user", () => {
  it('reads its shards and the lease', async () => {
    const consumer = await jetstream(worker).consumers.get(shardStreamName(RUN), {
      filter_subjects: shardSubject(RUN, 1, 0),
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.consume({ max_messages: 8, abort_on_missing_resource: true });
    for await (const message of messages) {
      expect(message.string()).toBe('a shard');
      break;
    }
    await messages.close();
    const { streams } = await jetstreamManager(worker, { ...TIMEOUT, checkAPI: false });
    expect((await streams.getMessage(LEASE_STREAM, { last_by_subj: leaseSubject(RUN) }))?.string()).toBe('a lease');
  });

  it.each([
    ['publishes no shard', shardSubject(RUN, 1, 0)],
    ['writes no lease', leaseSubject(RUN)],
    ['writes nothing of the stored run', `facet.store.${RUN}.ledger`],
  ])('%s', async (_, subject) => {
    const before = [await count(shardStreamName(RUN)), await count(LEASE_STREAM)];
    await expect(jetstream(worker, TIMEOUT).publish(subject, 'forged', TIMEOUT)).rejects.toThrow();
    worker.publish(subject, 'forged');
    await worker.flush();
    expect([await count(shardStreamName(RUN)), await count(LEASE_STREAM)]).toEqual(before);
  });

  it('deletes, empties and makes no stream, and reads none of another run', async () => {
    const manager = await jetstreamManager(worker, { ...TIMEOUT, checkAPI: false });
    await expect(manager.streams.delete(shardStreamName(RUN))).rejects.toThrow();
    await expect(manager.streams.purge(shardStreamName(RUN))).rejects.toThrow();
    await expect(manager.streams.add({ name: 'more', subjects: ['more'] })).rejects.toThrow();
    await expect(manager.streams.info(shardStreamName('other'))).rejects.toThrow();
    await expect(manager.consumers.add(shardStreamName('other'), { ack_policy: 'none' })).rejects.toThrow();
    expect(await count(shardStreamName(RUN))).toBe(1);
  });
});

/** What a subscription hears, or that it is not allowed. */
async function refusalOf(connection: NatsConnection, subject: string): Promise<string> {
  const subscription = connection.subscribe(subject);
  const heard = (async () => {
    for await (const message of subscription) return message.subject;
    return 'nothing';
  })().catch((caught: unknown) => String(caught));
  await connection.flush();
  subscription.unsubscribe();
  return heard;
}

describe('inboxes', () => {
  // A coordinator is answered with the run's key when it reads the store.
  it.each([
    ['a worker', 'worker', ['_INBOX.>', `${inboxOf('coordinator', RUN)}.>`, inboxOf('worker', 'other') + '.>', '>']],
    ['a coordinator', 'coordinator', ['_INBOX.>', `${inboxOf('coordinator', 'other')}.>`, `facet.${RUN}.>`]],
  ] as const)('%s listens to none of others', async (_, name, subjects) => {
    for (const subject of subjects) {
      expect(await refusalOf(name === 'worker' ? worker : coordinator, subject)).toMatch(/Permissions Violation/i);
    }
  });
});

describe("a coordinator's user", () => {
  it('has the streams of its run, and touches none of another', async () => {
    const manager = await jetstreamManager(coordinator, TIMEOUT);
    await expect(manager.streams.add({ name: shardStreamName('other'), subjects: ['x'] })).rejects.toThrow();
    await expect(manager.streams.info(shardStreamName('other'))).rejects.toThrow();
    await expect(manager.streams.delete(LEASE_STREAM)).rejects.toThrow();
    await expect(manager.streams.purge(LEASE_STREAM)).rejects.toThrow();
    await expect(jetstream(coordinator).publish(leaseSubject('other'), 'stolen', TIMEOUT)).rejects.toThrow();
    expect(await count(LEASE_STREAM)).toBe(1);
  });
});

describe('somebody without a login', () => {
  it.each([
    ['none', {}],
    ['a wrong password', { user: 'worker', pass: 'wrong' }],
  ])('does not get in: %s', async (_, login) => {
    await expect(connect({ servers: url, ...login, reconnect: false, timeout: 2_000 })).rejects.toThrow(
      /authoriz|auth/i,
    );
  });
});
