import { createServer, type AddressInfo } from 'node:net';

/**
 * A port of a host that is free now, for an address that must survive restarts. Somebody else may take it before it is used; whoever
 * does not have to know it beforehand listens on port 0 instead.
 */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
