/** What the pulled side holds for its peers, and when it lets go of it. */
import { once } from 'node:events';
import { Client, credentials, type Metadata } from '@grpc/grpc-js';
import { Exchange } from '@facet/proto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFrameSocket } from './frame-socket.js';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';
import { TOKEN_KEY } from './pull.js';

const RUN = 'held';
const { path, requestSerialize } = Exchange.service.Pull;

let server: ExchangeServer;
let client: Client;

beforeEach(async () => {
  server = await startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot: () => undefined });
  client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});

afterEach(() => {
  client.close();
  server.close();
});

it('hangs up on a peer that was told why its pull fails and does not go', async () => {
  const request = { run: RUN, generation: 1, rank: 1, payload: 'PAYLOAD_CHANNEL_SOCKET' } as const;
  const pass = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeServerStreamRequest(path, requestSerialize, pass, request);
  stream.on('data', () => undefined).on('error', () => undefined);
  const told = new Promise((resolve) => stream.on('status', resolve));
  const [metadata] = (await once(stream, 'metadata')) as [Metadata];
  const closed = new Promise<string>((resolve, reject) => {
    const sink = { begin: () => undefined, end: () => undefined };
    const token = String(metadata.get(TOKEN_KEY)[0]);
    const { signal } = new AbortController();
    const address = `127.0.0.1:${server.port}`;
    openFrameSocket({ address, unixName: undefined, token, sink, onClosed: resolve, signal }).catch(reject);
  });
  await server.outlet(1, 1, () => undefined, AbortSignal.timeout(5_000));
  server.failPulls(1, 'rank 2 is gone');
  expect(await told).toMatchObject({ details: 'rank 2 is gone' });
  server.closeThrough(1);
  expect(await closed).toBe('the peer closed its socket');
});
