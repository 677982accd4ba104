/** Three real nats-servers that are one cluster with JetStream. Each can be killed and started again. */
import { createServer, type AddressInfo } from 'node:net';
import { startBroker, type TestBroker } from './broker.js';

const HOST = '127.0.0.1';

export interface TestCluster {
  /** Of all servers, separated by commas. */
  readonly url: string;
  /** By the names that JetStream says, `server-0` and so on. */
  readonly servers: ReadonlyMap<string, TestBroker>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startCluster(size = 3): Promise<TestCluster> {
  const ports = await freePorts(size);
  const routes = ports.map((port) => `nats-route://${HOST}:${port}`);
  const servers = new Map<string, TestBroker>();
  await Promise.all(
    ports.map(async (port, index) => {
      const name = `server-${index}`;
      // Clients keep to the list that they are given.
      const cluster = { name: 'test', listen: `${HOST}:${port}`, routes, no_advertise: true };
      servers.set(name, await startBroker({ config: { server_name: name, cluster } }));
    }),
  );
  const urls = [...servers.values()].map(({ url }) => url.replace(/\/$/, ''));
  return {
    url: urls.join(','),
    servers,
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const holders = Array.from({ length: count }, () => createServer());
  await Promise.all(holders.map((holder) => new Promise<void>((resolve) => holder.listen(0, HOST, resolve))));
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port);
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}
