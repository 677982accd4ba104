/** A cluster of three real brokers, of which one dies, and brokers that cannot keep what is asked for. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { LEASE_STREAM, LeaseSigner, shardStreamName, shardSubject } from '@facet/shared';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startBroker } from '../../test/broker.js';
import { startCluster, type TestCluster } from '../../test/broker-cluster.js';
import { openLeaseStore, type LeaseStore } from '../leadership/lease-store.js';
import { openBroker, type Broker } from '../shards/broker.js';

const RUN = 'tiny';
const ENTRY = { holder: 'a', host: 'here', pid: 1, address: 'here:1', isFree: false };
const SHARDS = { run: RUN, messageBytes: 1_000, windowBytes: 1_000 };
const MB = 1024 * 1024;
const signer = new LeaseSigner(Buffer.alloc(32, 1));
const LEASE = { run: RUN, signer: () => Promise.resolve(signer), ignoresForged: true };
/** A cluster chooses its leaders, twice at most, on a busy machine. */
const TIMEOUT = { timeout: 120_000 };

/** Until it succeeds, as whoever renews a lease or publishes does. */
async function again<T>(act: () => Promise<T>, untilMs = performance.now() + 60_000): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (caught) {
      if (performance.now() > untilMs) throw caught;
    }
  }
}

describe('a cluster of three', () => {
  let cluster: TestCluster;
  let connection: NatsConnection;
  let broker: Broker | undefined;
  let lease: LeaseStore | undefined;

  beforeAll(async () => {
    cluster = await startCluster();
    connection = await connect({ servers: cluster.url.split(',') });
  }, 60_000);

  afterEach(async () => {
    await broker?.close('delete-stream');
    await lease?.close();
    [broker, lease] = [undefined, undefined];
  });

  afterAll(async () => {
    await connection.close();
    await cluster[Symbol.asyncDispose]();
  });

  it('keeps shards and leases three times, and loses none of them with one of its servers', TIMEOUT, async () => {
    const { url } = cluster;
    broker = await openBroker({ ...SHARDS, url, replicas: 3 });
    lease = await openLeaseStore({ ...LEASE, url, replicas: 3 });
    const revision = await again(() => lease!.write(ENTRY, 0));
    const subject = shardSubject(RUN, 1, 0);
    await again(() => broker!.client.publish(subject, 'before'));
    const { streams } = await jetstreamManager(connection);
    const found = await streams.info(LEASE_STREAM);
    expect(found.config.num_replicas).toBe(3);
    expect((await streams.info(shardStreamName(RUN))).config.num_replicas).toBe(3);

    // The one that leads the lease: somebody else must do it then.
    await cluster.servers.get(found.cluster!.leader!)!.kill();
    expect(await again(async () => (await lease!.read()).held?.revision)).toBe(revision);
    expect(await again(() => lease!.write(ENTRY, revision!))).toBeGreaterThan(revision!);
    await again(() => broker!.client.publish(subject, 'after'));
    expect(await again(() => broker!.ensureStream())).toBe('kept');
    expect((await again(() => streams.info(shardStreamName(RUN)))).state.messages).toBeGreaterThanOrEqual(2);
    await cluster.servers.get(found.cluster!.leader!)!.restart();
  });

  it('keeps the leases as often as the run asks that asks for most', TIMEOUT, async () => {
    const { url } = cluster;
    const { streams } = await jetstreamManager(connection, { timeout: 20_000 });
    await again(() => streams.delete(LEASE_STREAM));
    for (const [replicas, kept] of [
      [1, 1],
      [3, 3],
      [1, 3],
    ] as const) {
      const store = await openLeaseStore({ ...LEASE, url, replicas });
      await store.close();
      expect((await again(() => streams.info(LEASE_STREAM))).config.num_replicas).toBe(kept);
    }
  });
});

describe('a broker of its own that is asked for three copies', () => {
  const expected = /is a single server and keeps 1 copy, expected 3 \(nats\.replicas\); name a cluster of 3 servers/;

  it('is no broker for the shards or the lease', async () => {
    await using broker = await startBroker();
    const refused = { code: 'CONFIG_INVALID', message: expect.stringMatching(expected) };
    await expect(openBroker({ ...SHARDS, url: broker.url, replicas: 3 })).rejects.toMatchObject(refused);
    await expect(openLeaseStore({ ...LEASE, url: broker.url, replicas: 3 })).rejects.toMatchObject(refused);
  });
});

describe('an account that demands a limit of every stream', () => {
  const users = [{ user: 'facet', password: 's3cret' }];
  const limits = { max_mem: 128 * MB, max_file: 64 * MB, max_bytes_required: true };

  it('has room for shards and leases', async () => {
    await using broker = await startBroker({ config: { accounts: { A: { jetstream: limits, users } } } });
    const url = broker.url.replace('//', '//facet:s3cret@');
    const lease = await openLeaseStore({ ...LEASE, url });
    expect(await lease.write(ENTRY, 0)).toBe(1);
    await lease.close();
    const shards = await openBroker({ ...SHARDS, url, replicas: 1 });
    await shards.client.publish(shardSubject(RUN, 1, 0), 'a shard');
    await shards.close('delete-stream');
  });
});

describe('a user whose permissions do not suffice', () => {
  it.each([
    ['make the stream of shards', `$JS.API.STREAM.CREATE.${shardStreamName(RUN)}`],
    ['delete the one of before', `$JS.API.STREAM.DELETE.${shardStreamName(RUN)}`],
    ['ask for JetStream', '$JS.API.INFO'],
  ])('hears which subject it lacks to %s', async (_, subject) => {
    const login = { user: 'u', password: 'p', permissions: { publish: { deny: [subject] } } };
    await using broker = await startBroker({ login });
    await expect(openBroker({ ...SHARDS, url: broker.url, replicas: 1 })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringContaining(`does not permit this user to publish to ${subject}`),
    });
    await expect(openBroker({ ...SHARDS, url: broker.url, replicas: 1 })).rejects.toThrow(
      /allow the user to publish to it; `facet broker config --run NAME`/,
    );
  });

  it('hears that it may not have inboxes of its own', async () => {
    const login = { user: 'u', password: 'p', permissions: { subscribe: { allow: ['_INBOX.mine.>'] } } };
    await using broker = await startBroker({ login });
    await expect(openBroker({ ...SHARDS, url: broker.url, replicas: 1 })).rejects.toThrow(
      /does not permit this user to subscribe to _INBOX\.facet\.coordinator\.tiny/,
    );
  });
});
