import { readdirSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CREDIT_BYTES, ringOutlet } from './frame-outlet.js';
import { createRingBuffer, NO_OFFER, openRingBuffer, type RingBuffer } from './ring-buffer.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const HEADER = Buffer.from('header');
const opened: { close(): void }[] = [];

afterEach(() => {
  for (const resource of opened.splice(0)) resource.close();
});

/** Both ends of a ring. */
function openRing(bytes: number): { reader: RingBuffer; writer: RingBuffer } {
  const reader = createRingBuffer(bytes, TOKEN)!;
  const writer = openRingBuffer(reader.offer, TOKEN)!;
  opened.push(reader, writer);
  return { reader, writer };
}

describe.runIf(process.platform === 'linux')('memory of two processes', () => {
  it('gives back what was written, over as many laps as it takes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 30 }), (pieces) => {
        const { reader, writer } = openRing(64);
        let position = 0;
        for (const piece of pieces) {
          writer.write(position, piece);
          const place = new Uint8Array(piece.length);
          reader.read(position, place);
          expect(place).toEqual(piece);
          position += piece.length;
        }
      }),
      { numRuns: 30 },
    );
  });

  it('has no name that could be left behind', () => {
    const names = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith('facet-'));
    const before = names();
    openRing(4_096);
    expect(names()).toEqual(before);
  });

  it('is not taken for that of another token, another length or another file', () => {
    const { offer } = openRing(4_096).reader;
    expect(openRingBuffer(offer, TOKEN.toUpperCase())).toBeUndefined();
    expect(openRingBuffer({ ...offer, bytes: 4_095 }, TOKEN)).toBeUndefined();
    for (const fd of [0, 1, 2, 9_999]) expect(openRingBuffer({ ...offer, fd }, TOKEN)).toBeUndefined();
    expect(openRingBuffer(NO_OFFER, TOKEN)).toBeUndefined();
  });

  it('is not offered where there is not so much memory', () => {
    expect(createRingBuffer(2 ** 52, TOKEN)).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('sending through memory', () => {
  async function openOutlet(bytes: number) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const peer = connect(port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    for (const end of [peer, socket]) end.on('error', () => undefined);
    opened.push({
      close: () => {
        server.close();
        peer.destroy();
        socket.destroy();
      },
    });
    const { reader, writer } = openRing(bytes);
    return { peer, socket, reader, outlet: ringOutlet(socket, writer) };
  }

  const credit = (bytes: number): Buffer => {
    const words = Buffer.alloc(CREDIT_BYTES);
    words.writeUInt32LE(bytes);
    return words;
  };

  it('waits for room, which the peer may tell in pieces', async () => {
    const { outlet, peer, reader } = await openOutlet(64);
    await outlet.send(HEADER, new Uint8Array(48).fill(1));
    let isSent = false;
    const second = outlet.send(HEADER, new Uint8Array(32).fill(2)).then(() => (isSent = true));
    const place = new Uint8Array(48);
    reader.read(0, place);
    expect(place).toEqual(new Uint8Array(48).fill(1));
    peer.write(credit(48).subarray(0, 1));
    await once(peer, 'data');
    expect(isSent).toBe(false);
    peer.write(credit(48).subarray(1));
    await second;
    reader.read(48, place.subarray(0, 32));
    expect(place.subarray(0, 32)).toEqual(new Uint8Array(32).fill(2));
  });

  it('fails a send that waits when the peer goes', async () => {
    const { outlet, peer } = await openOutlet(64);
    await outlet.send(HEADER, new Uint8Array(64));
    const second = outlet.send(HEADER, new Uint8Array(1));
    peer.destroy();
    await expect(second).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
    await expect(outlet.send(HEADER, new Uint8Array(1))).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  });

  it('hangs up on a peer that has taken more than there was', async () => {
    const { outlet, peer, socket } = await openOutlet(64);
    await outlet.send(HEADER, new Uint8Array(8));
    peer.resume();
    peer.write(credit(9));
    await once(socket, 'close');
    await expect(outlet.send(HEADER, new Uint8Array(1))).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  });

  it('refuses values for which there will never be room', async () => {
    const { outlet } = await openOutlet(64);
    await expect(outlet.send(HEADER, new Uint8Array(65))).rejects.toThrow(/65 bytes .* 64/);
  });
});
