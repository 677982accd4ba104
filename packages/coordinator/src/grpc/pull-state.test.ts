import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { pullState } from './pull-state.js';

it('says which worker cannot be reached, where, and what to do', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
  await new Promise((resolve) => closed.close(resolve));
  const pulling = pullState({
    workerId: 'node-7',
    address,
    run: 'tiny',
    step: 8,
    shape: { parameters: 1, hasAverage: false },
    weightsCrc: 1,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
  });
  await expect(pulling).rejects.toMatchObject({
    code: 'PEER_UNAVAILABLE',
    message: expect.stringMatching(
      new RegExp(`^worker node-7 cannot be reached at ${address}.*ECONNREFUSED.*--listen or --advertise`),
    ) as string,
  });
});
