import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WaitingPort } from './waiting-port.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portAt(httpPort: number, warnings: unknown[] = []): WaitingPort {
  return new WaitingPort({
    config: { coordinator: { host: '127.0.0.1', port: 0, httpPort } },
    tls: undefined,
    login: undefined,
    log: { warn: (facts: object) => void warnings.push(facts) } as never,
  });
}

test('answers probes while a candidate waits, and gives the port free', async () => {
  const port = await freePort();
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  await using waiting = portAt(port);
  await waiting.open('the coordinator waits for its broker');
  expect(await ask('/healthz')).toBe('200 ok\n');
  expect(await ask('/readyz')).toBe('503 the coordinator waits for its broker\n');
  expect(await ask('/metrics')).toMatch(/process_cpu_seconds_total/);
  await waiting.open();
  expect(await ask('/readyz')).toBe('200 ready\n');
  await waiting.close();
  await expect(ask('/healthz')).rejects.toThrow();
  await waiting.open();
  expect(await ask('/healthz')).toBe('200 ok\n');
});

test('leaves a port alone that somebody else has', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const warnings: unknown[] = [];
  await using waiting = portAt((other.address() as AddressInfo).port, warnings);
  await waiting.open();
  expect(warnings).toEqual([{ reason: expect.stringMatching(/is in use/) }]);
  other.close();
});
