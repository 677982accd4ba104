import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  encodeLeaseEntry,
  LEASE_STREAM,
  LEASE_SUBJECTS,
  LeaseSigner,
  leaseSubject,
  signLeaseEntry,
} from '@facet/shared';
import { expect, it } from 'vitest';
import { startBroker } from '../../coordinator/test/broker.js';
import { readLeaderAddress } from './worker-network.js';

const signer = new LeaseSigner(Buffer.alloc(32, 1));

it("the leader's address is that of the entry; garbage is no address, and no end of the worker", async () => {
  await using broker = await startBroker();
  const connection = await connect({ servers: broker.url });
  try {
    const read = (): Promise<string | undefined> =>
      readLeaderAddress(connection, { run: 'tiny', leaseKey: signer.publicKey });
    expect(await read()).toBeUndefined();
    const { streams } = await jetstreamManager(connection);
    await streams.add({ name: LEASE_STREAM, subjects: [LEASE_SUBJECTS], storage: 'memory' });
    expect(await read()).toBeUndefined();
    const write = (data: string | Uint8Array) => jetstream(connection).publish(leaseSubject('tiny'), data);
    for (const garbage of [new Uint8Array([0xff, 0, 0x80]), '{"holder":"a"}', '']) {
      await write(garbage);
      expect(await read()).toBeUndefined();
    }
    const entry = { holder: 'a', host: 'here', pid: 1, address: 'here:7', isFree: false };
    // Whoever may write into the broker can write an entry, but cannot sign it: not for this run, and not with its key.
    const forged = [
      entry,
      { ...signLeaseEntry(entry, 'tiny', signer), address: 'there:7' },
      signLeaseEntry(entry, 'other', signer),
      signLeaseEntry(entry, 'tiny', new LeaseSigner(Buffer.alloc(32, 2))),
    ];
    for (const one of forged) {
      await write(encodeLeaseEntry(one));
      expect(await read()).toBeUndefined();
    }
    await write(encodeLeaseEntry(signLeaseEntry(entry, 'tiny', signer)));
    expect(await read()).toBe('here:7');
  } finally {
    await connection.close();
  }
});
