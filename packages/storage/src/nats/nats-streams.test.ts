/** The streams of a store in brokers that limit them, that cannot keep as many copies as asked, and in a cluster. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { startBroker } from '../../../coordinator/test/broker.js';
import { startCluster } from '../../../coordinator/test/broker-cluster.js';
import { openStore } from '../registry.js';
import { contentOf, readText, type RunStore } from '../store/run-store.js';
import { openNatsStore } from './nats-store.js';
import { runNames } from './nats-names.js';

const NAMES = runNames('tiny');

async function writeAndRead(run: RunStore): Promise<void> {
  await run.objects.put('a', contentOf('an object'));
  expect(await readText(run.objects, 'a')).toBe('an object');
  const claim = await run.ledger.claim();
  await claim.append(0, Buffer.from('a record'));
  let ledger = '';
  for await (const piece of run.ledger.read()) ledger += Buffer.from(piece).toString();
  expect(ledger).toBe('a record');
}

describe('an account that demands a limit of every stream', () => {
  const users = [{ user: 'facet', password: 's3cret' }];
  const mb = 1024 * 1024;

  it.each<[string, object, Record<string, string>, number, number]>([
    ['takes a half of what is left', { max_file: 64 * mb }, {}, 32 * mb, 1],
    ['takes the largest stream that is allowed', { max_file: 64 * mb, disk_max_stream_bytes: 8 * mb }, {}, 8 * mb, 1],
    ['takes what it is told', { max_file: 64 * mb }, { FACET_STORE_MAX_BYTES: String(16 * mb) }, 16 * mb, 1],
  ])('%s', async (_, limits, environment, objectBytes) => {
    const jetstream = { max_mem: 0, max_bytes_required: true, ...limits };
    await using broker = await startBroker({ config: { accounts: { A: { jetstream, users } } } });
    const env = { FACET_STORE_LOGIN: 'facet:s3cret', ...environment };
    await using store = await openStore(broker.url, { env });
    await writeAndRead(await store.open('tiny'));
    const connection = await connect({ servers: broker.url, user: 'facet', pass: 's3cret' });
    const { streams } = await jetstreamManager(connection);
    expect((await streams.info(NAMES.objectStream)).config.max_bytes).toBe(objectBytes);
    await connection.close();
    // A second process of the run finds the streams as they are.
    await using other = await openStore(broker.url, { env: { ...env, FACET_STORE_MAX_BYTES: String(2 * mb) } });
    const again = await other.open('tiny');
    await again.objects.put('b', contentOf('more'));
    expect(await readText(again.objects, 'a')).toBe('an object');
  });
});

it('a single server that is asked for three copies says so at once', async () => {
  await using broker = await startBroker();
  await using store = await openStore(broker.url, { env: {}, replicas: 3 });
  const run = await store.open('tiny');
  const expected = {
    code: 'STORE_REFUSED',
    message: expect.stringMatching(/keeps 1 copy, expected 3 \(nats\.replicas\).*FACET_STORE_REPLICAS says another/),
  };
  await expect(run.objects.put('a', contentOf('b'))).rejects.toMatchObject(expected);
  await expect(run.ledger.claim()).rejects.toMatchObject(expected);
});

it('a user whose permissions do not suffice is told which subject it lacks', async () => {
  const denied = `$JS.API.STREAM.CREATE.${NAMES.ledgerStream}`;
  const login = { user: 'u', password: 'p', permissions: { publish: { deny: [denied] } } };
  await using broker = await startBroker({ login });
  await using store = await openNatsStore(broker);
  await expect((await store.open('tiny')).ledger.claim()).rejects.toMatchObject({
    code: 'STORE_REFUSED',
    message: expect.stringMatching(
      /does not permit this user to publish to \$JS\.API\.STREAM\.CREATE\.facet-ledger-tiny/,
    ),
  });
});

describe('the login of the broker', () => {
  const login = { user: 'facet', password: 'p@ss' };

  it('is used where the store is in the same cluster, and shown to nobody else', async () => {
    await using broker = await startBroker({ login });
    const { host } = new URL(broker.url);
    const place = `nats://${host}`;
    const url = (hosts: readonly string[]): string => hosts.map((at) => `nats://facet:p%40ss@${at}`).join(',');
    await using store = await openStore(place, { env: {}, brokerUrl: url(['127.0.0.1:1', host]) });
    expect(await store.runs()).toEqual([]);
    await expect(openStore(place, { env: {}, brokerUrl: url(['127.0.0.1:1']) })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
    });
  });
});

it(
  'a cluster keeps three copies, and has all of them when one of its servers is gone',
  { timeout: 120_000 },
  async () => {
    await using cluster = await startCluster();
    await using store = await openStore(cluster.url, { env: {}, replicas: 3 });
    const run = await store.open('tiny');
    await writeAndRead(run);
    const connection = await connect({ servers: cluster.url.split(',') });
    const { streams } = await jetstreamManager(connection);
    const { config, cluster: placed } = await streams.info(NAMES.ledgerStream);
    await connection.close();
    expect(config.num_replicas).toBe(3);
    await cluster.servers.get(placed!.leader!)!.kill();
    await using other = await openStore(cluster.url, { env: {}, replicas: 1 });
    const untilMs = performance.now() + 60_000;
    for (;;) {
      try {
        const claim = await (await other.open('tiny')).ledger.claim();
        await claim.append(8, Buffer.from(', and more'));
        break;
      } catch (caught) {
        if (performance.now() > untilMs) throw caught;
      }
    }
  },
);
