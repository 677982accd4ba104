/** What a broker does to a store: it is full, it goes away, it forgets, it permits too little. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { systemClock } from '@facet/shared';
import { startBroker, type TestBroker } from '../../../coordinator/test/broker.js';
import { textOf } from '../../test/store-contract.js';
import { openStore } from '../registry.js';
import { retriedRun } from '../store/retried-store.js';
import { contentOf, readAll, type Store } from '../store/run-store.js';
import { openNatsStore } from './nats-store.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a broker', () => {
  let broker: TestBroker;
  let store: Store;

  beforeEach(async () => {
    broker = await startBroker();
    store = await openNatsStore(broker);
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });

  async function limit(stream: string, limits: { readonly max_bytes: number }): Promise<void> {
    const connection = await connect({ servers: broker.url });
    await (await jetstreamManager(connection)).streams.update(stream, limits);
    await connection.close();
  }

  it('that is full is named, keeps the checkpoint before, and takes the next one when it has room', async () => {
    await using run = await store.open('tight');
    await run.objects.put('checkpoints/one', contentOf('small'));
    await limit('facet-objects-tight', { max_bytes: 3_000_000 });
    const large = { bytes: 4_000_000, pieces: () => [new Uint8Array(4_000_000)] };
    await expect(run.objects.put('checkpoints/two', large)).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(/tight refuses: it is full \(.*maximum bytes.*make room/s),
    });
    expect(await run.objects.list('')).toEqual(['checkpoints/one']);
    // What was sent of it is gone again.
    await run.objects.put('checkpoints/three', { bytes: 2_000_000, pieces: () => [new Uint8Array(2_000_000)] });
    expect(Buffer.from(await readAll((await run.objects.get('checkpoints/one'))!)).toString()).toBe('small');
  });

  it('with a full ledger refuses the record, and not one byte of it is there', async () => {
    await using run = await store.open('tight');
    const claim = await run.ledger.claim();
    await claim.append(0, bytes('one\n'));
    await limit('facet-ledger-tight', { max_bytes: 700 });
    const long = 'x'.repeat(2_000);
    await expect(claim.append(4, bytes(long))).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    expect(await textOf(run)).toBe('one\n');
    await limit('facet-ledger-tight', { max_bytes: 100_000 });
    await claim.append(4, bytes('two\n'));
    expect(await textOf(run)).toBe('one\ntwo\n');
  });

  it('that is killed and comes back has every acknowledged record; the append under way is there once', async () => {
    await using bare = await store.open('killed');
    const run = retriedRun(bare, { clock: systemClock, limitMs: 60_000, random: Math.random });
    const claim = await run.ledger.claim();
    let text = '';
    for (let index = 0; index < 20; index += 1) {
      await claim.append(text.length, bytes(`${index}\n`));
      text += `${index}\n`;
    }
    await broker.kill();
    const underWay = claim.append(text.length, bytes('while it is away\n'));
    await broker.restart();
    await underWay;
    expect(await textOf(run)).toBe(`${text}while it is away\n`);
    expect(await claim.isHeld()).toBe(true);
  }, 90_000);

  /** A writer that is gone in the middle of an upload. */
  async function cutShort(): Promise<void> {
    const writer = await openNatsStore(broker);
    const run = await writer.open('cut');
    let hasGone: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (hasGone = resolve));
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1_500_000);
      await gone;
      yield new Uint8Array(1_500_000);
    }
    const putting = run.objects.put('checkpoints/two', { bytes: 3_000_000, pieces });
    putting.catch(() => undefined);
    await vi.waitUntil(async () => (await chunks()).length === 4, { timeout: 10_000 });
    await writer[Symbol.asyncDispose]();
    hasGone();
    await expect(putting).rejects.toThrow();
  }

  /** Subjects of all chunks of the run. */
  async function chunks(): Promise<readonly string[]> {
    const connection = await connect({ servers: broker.url });
    const { streams } = await jetstreamManager(connection);
    const { state } = await streams.info('facet-objects-cut', { subjects_filter: 'facet.store.cut.chunk.>' });
    await connection.close();
    return Object.keys(state.subjects ?? {});
  }

  it('with half an upload of a writer that is gone is rid of it by the next one, in time', async () => {
    await using before = await store.open('cut');
    await before.objects.put('checkpoints/one', { bytes: 1_000_000, pieces: () => [new Uint8Array(1_000_000)] });
    const [whole] = await chunks();
    await cutShort();
    // It may be another one's that is slow.
    await using patient = await openNatsStore(broker);
    await (await patient.open('cut')).objects.put('config.json', contentOf('{}'));
    expect((await chunks()).length).toBe(5);
    await using impatient = await openNatsStore({ ...broker, strayAfterMs: 0 });
    await using after = await impatient.open('cut');
    await after.objects.put('config.json', contentOf('{"a":1}'));
    const left = await chunks();
    expect(left).toContain(whole);
    expect(left.length).toBe(3);
    expect((await readAll((await after.objects.get('checkpoints/one'))!)).byteLength).toBe(1_000_000);
    expect(await after.objects.list('')).toEqual(['checkpoints/one', 'config.json']);
  });

  it('damaged below an object names the chunk', async () => {
    await using run = await store.open('damaged');
    const content = { bytes: 2_000_000, pieces: () => [new Uint8Array(2_000_000)] };
    await run.objects.put('checkpoints/model', content);
    const connection = await connect({ servers: broker.url });
    const { streams } = await jetstreamManager(connection);
    const { state } = await streams.info('facet-objects-damaged', { subjects_filter: 'facet.store.damaged.chunk.>' });
    const second = Object.keys(state.subjects!).find((subject) => subject.endsWith('.1'))!;
    await streams.purge('facet-objects-damaged', { filter: second });
    await connection.close();
    const object = (await run.objects.get('checkpoints/model'))!;
    await expect(readAll(object)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/damaged\/checkpoints\/model is damaged: chunk 2 of 4 is missing/),
    });
  });
});

describe('the documented permissions', () => {
  const run = 'mine';
  const publish = [
    `facet.store.${run}.>`,
    '$JS.API.INFO',
    `$JS.API.STREAM.*.facet-ledger-${run}`,
    `$JS.API.STREAM.*.facet-objects-${run}`,
    `$JS.API.STREAM.MSG.GET.facet-ledger-${run}`,
    `$JS.API.STREAM.MSG.GET.facet-objects-${run}`,
    `$JS.API.DIRECT.GET.facet-objects-${run}.>`,
    `$JS.API.CONSUMER.*.facet-ledger-${run}.>`,
    `$JS.API.CONSUMER.*.facet-ledger-${run}`,
    `$JS.API.CONSUMER.MSG.NEXT.facet-ledger-${run}.>`,
  ];

  it('are enough for a run, and for no other one; the login is not part of the place', async () => {
    const login = { user: 'coordinator', password: 's3cret', permissions: { publish, subscribe: ['_INBOX.>'] } };
    await using broker = await startBroker({ login });
    const place = broker.url.replace('coordinator:s3cret@', '').replace(/\/$/, '');
    const env = { FACET_STORE_LOGIN: 'coordinator:s3cret' };
    await using store = await openStore(place, { env });
    expect(store.place).toBe(place);
    await using own = await store.open(run);
    const claim = await own.ledger.claim();
    await claim.append(0, bytes('one\n'));
    await own.objects.put('config.json', contentOf('{}'));
    await own.objects.put('config.json', contentOf('{"a":1}'));
    expect([await textOf(own), await own.objects.list('')]).toEqual(['one\n', ['config.json']]);
    await own.objects.remove('config.json');
    await using other = await store.open('theirs');
    await expect(other.objects.put('config.json', contentOf('{}'))).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.not.stringContaining('s3cret'),
    });
    await expect(openStore(broker.url, { env })).rejects.toThrow(/has a login in it/);
    await expect(openStore(broker.url, { env })).rejects.not.toThrow(/s3cret/);
  }, 60_000);
});
