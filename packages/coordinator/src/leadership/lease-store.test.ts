import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  encodeLeaseEntry,
  LEASE_STREAM,
  LeaseSigner,
  leaseSubject,
  signLeaseEntry,
  UNKNOWN_LEASE_ENTRY,
} from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../test/broker.js';
import { openLeaseStore, type LeaseStore } from './lease-store.js';

const ENTRY = { holder: 'a', host: 'here', pid: 1, address: 'here:1', isFree: false };

const signer = new LeaseSigner(Buffer.alloc(32, 1));

let broker: TestBroker;
let connection: NatsConnection;
let store: LeaseStore;

beforeEach(async () => {
  broker = await startBroker();
  connection = await connect({ servers: broker.url });
  store = await openLeaseStore({
    url: broker.url,
    run: 'tiny',
    signer: () => Promise.resolve(signer),
    ignoresForged: true,
  });
});

afterEach(async () => {
  await store.close();
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

describe('the store of a lease', () => {
  it.each([
    ['garbage', new Uint8Array([0xff, 0xfe, 0, 0x7b, 0x80])],
    ['an entry of another version', Buffer.from('{"holder":"a","since":3}')],
    ['nothing', new Uint8Array(0)],
  ])('gives %s as the entry of an unknown holder, which can be written over', async (_name, bytes) => {
    const { seq } = await jetstream(connection).publish(leaseSubject('tiny'), bytes);
    const { held } = await store.read();
    expect(held).toMatchObject({ entry: UNKNOWN_LEASE_ENTRY, revision: seq });
    expect(held?.unreadable).toContain('expected an entry of this version');
    expect(await store.write(ENTRY, seq)).toBe(seq + 1);
    expect((await store.read()).held).toEqual({ entry: signLeaseEntry(ENTRY, 'tiny', signer), revision: seq + 1 });
  });

  it('marks what it has, so that nothing looks the same after it has forgotten everything', async () => {
    const marks: string[] = [];
    const look = async (): Promise<void> => {
      const { mark } = await store.read();
      expect((await store.read()).mark).toBe(mark);
      marks.push(mark);
    };
    const { streams } = await jetstream(connection).jetstreamManager();
    for (let life = 0; life < 2; life++) {
      await look();
      expect(await store.write(ENTRY, 0)).toBe(1);
      await look();
      await streams.delete(LEASE_STREAM);
    }
    expect(new Set(marks).size).toBe(4);
  });

  it('takes what no coordinator of the run signed for no leader, and for the same however often it is written', async () => {
    const entry = { ...ENTRY, holder: 'liar', address: 'there:1' };
    const write = (text: string) => jetstream(connection).publish(leaseSubject('tiny'), text);
    const marks = new Set<string>();
    for (const forged of [entry, { ...signLeaseEntry(ENTRY, 'tiny', signer), address: 'there:1' }, entry]) {
      const { seq } = await write(encodeLeaseEntry(forged));
      const { held, mark } = await store.read();
      expect(held).toMatchObject({ entry: UNKNOWN_LEASE_ENTRY, revision: seq, isForged: true });
      marks.add(mark);
    }
    expect(marks.size).toBe(1);
  });
});
