/**
 * One of two processes. Rank 0 is a coordinator's port: the real door, and gRPC behind it. Rank 1 is so many workers that
 * connect to it at once, as workers do: a channel of gRPC each, and an answer over it.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { channelTo, Coordination, serverOptions } from '@facet/proto';
import { createDoor, TlsIdentity, type Role } from '@facet/security';
import type { RankJoin, RankQuestion } from '../process/rank-world.js';
import { servePeer } from '../process/serve-peer.js';

const HOST = '127.0.0.1';
const DEADLINE_MS = 120_000;
const roles = ['coordinator'] as const;

export interface HandshakeAsk {
  readonly connections: number;
}

const [, , folder = ''] = process.argv;
const identity = (role: Role): TlsIdentity | undefined =>
  folder === '' ? undefined : new TlsIdentity(`${folder}/${role}`, { roles: [role] });

const server = new Server(serverOptions(65_536));
const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
const inside = new Set<Socket>();
const door = createDoor({
  tls: identity('coordinator'),
  admits: ['worker'],
  enter: () => true,
  onConnection: (socket) => {
    inside.add(socket);
    injector.injectConnection(socket);
  },
});
door.server.listen(0, HOST);
await once(door.server, 'listening');

let connections = 0;
let address = '';

function join({ ports, ask }: RankJoin<HandshakeAsk>): object {
  connections = ask.connections;
  address = `${HOST}:${ports[0]}`;
  return {};
}

/** Seconds until all of them are connected and welcome. */
async function connectAll(): Promise<{ readonly seconds: number }> {
  const tls = identity('worker');
  const startedAt = performance.now();
  const clients = Array.from({ length: connections }, () => new Coordination(...channelTo({ address, roles, tls })));
  await Promise.all(
    clients.map(async (client) => {
      await new Promise<void>((resolve, reject) => {
        client.waitForReady(Date.now() + DEADLINE_MS, (error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
      });
      await answered(client);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const client of clients) client.close();
  return { seconds };
}

/** A port that lets us in says that it has no such call. */
function answered(client: InstanceType<typeof Coordination>): Promise<void> {
  return new Promise((resolve, reject) => {
    client.getStatus({}, { deadline: Date.now() + DEADLINE_MS }, (error) => {
      if (error?.code === status.UNIMPLEMENTED) resolve();
      else reject(error ?? new Error('an answer came where none was expected'));
    });
  });
}

await servePeer<RankQuestion<HandshakeAsk>>((question) => {
  switch (question.kind) {
    case 'listen':
      return { port: (door.server.address() as AddressInfo).port };
    case 'join':
      return join(question);
    case 'steps':
      return question.rank === 0 ? { seconds: 0 } : connectAll();
    default:
      return question satisfies never;
  }
});
door.close();
for (const socket of inside) socket.destroy();
injector.destroy();
server.forceShutdown();
