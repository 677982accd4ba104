/**
 * One of two processes that send each other so many bytes over TCP, read into place, and do nothing else: what Node can move
 * at best. There are two connections, one for each direction: only the connecting side of Node reads into a buffer of its own.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { RankJoin, RankQuestion } from '../process/rank-world.js';
import { servePeer } from '../process/serve-peer.js';
import type { ContenderAsk } from './exchange-ask.js';
import { timeSteps } from './step-timer.js';

const HOST = '127.0.0.1';
const PIECE_BYTES = 256 * 1024;

let inbox = Buffer.alloc(1);
let outbox = inbox;
let received = 0;
// A peer that has all may begin the next step: what it sends then is counted when this rank is there too.
let ahead = 0;
const countAhead = (): void => {
  ahead++;
};
let whole = countAhead;
const onread = {
  buffer: () => inbox.subarray(received),
  callback(bytes: number) {
    // Node asks for the next buffer ahead of time, so this one may be that of an earlier, longer size.
    for (received += bytes; received >= inbox.length; received -= inbox.length) whole();
    return true;
  },
};

const server = createServer({ noDelay: true });
// The other rank may come before this one is asked to join.
const guest = once(server, 'connection') as Promise<[Socket]>;
server.listen(0, HOST);
await once(server, 'listening');
let outlet: Socket | undefined;
let inlet: Socket | undefined;

async function join({ rank, ports, ask: { length } }: RankJoin<ContenderAsk>): Promise<object> {
  [inbox, outbox] = [Buffer.alloc(4 * length), Buffer.alloc(4 * length, 1)];
  if (inlet !== undefined) return {};
  inlet = connect({ host: HOST, port: ports[1 - rank]!, noDelay: true, onread });
  [outlet] = await guest;
  return {};
}

async function send(): Promise<void> {
  for (let at = 0; at < outbox.length; at += PIECE_BYTES)
    await new Promise<void>((resolve) => outlet!.write(outbox.subarray(at, at + PIECE_BYTES), () => resolve()));
}

async function exchange(): Promise<void> {
  await send();
  while (ahead === 0) {
    await new Promise<void>((resolve) => {
      whole = () => {
        countAhead();
        resolve();
      };
    });
  }
  ahead--;
  whole = countAhead;
}

await servePeer<RankQuestion<ContenderAsk>>((question) => {
  switch (question.kind) {
    case 'listen':
      return { port: (server.address() as AddressInfo).port };
    case 'join':
      return join(question);
    case 'steps':
      return timeSteps(question.count, exchange);
    default:
      return question satisfies never;
  }
});
inlet?.destroy();
outlet?.destroy();
server.close();
