/** A forward proxy of the tests: it tunnels (CONNECT) to any host and remembers which were asked for. */
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TestProxy {
  readonly url: string;
  /** HOST:PORT of every tunnel, in order. */
  readonly asked: readonly string[];
  /** What came with each as `proxy-authorization`. */
  readonly logins: readonly (string | undefined)[];
}

/** Starts a proxy on an ephemeral port of 127.0.0.1 until the test ends. */
export async function startProxy(answer = 200): Promise<TestProxy> {
  const asked: string[] = [];
  const logins: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  server.on('connection', keep);
  server.on('connect', (request, client: Socket) => {
    const target = request.url ?? '';
    asked.push(target);
    logins.push(request.headers['proxy-authorization']);
    if (answer !== 200) return client.end(`HTTP/1.1 ${answer} no\r\n\r\n`);
    const { hostname, port } = new URL(`tcp://${target}`);
    const origin = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      origin.pipe(client).pipe(origin);
    });
    keep(origin);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, logins };
}
