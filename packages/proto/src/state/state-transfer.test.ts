import { once } from 'node:events';
import { connect, type ClientHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { momentsCrc, stateCrc, systemClock, TrainingError, type Clock, type StateSnapshot } from '@facet/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../../test/testkit/manual-clock.js';
import { serverOptions } from '../channel-options.js';
import type { PullStateResponse__Output } from '../gen/facet/v1/PullStateResponse.js';
import { Exchange } from '../services.js';
import { pullState, type PullStateOptions } from './pull-state.js';
import { createStateService, type FindState } from './serve-state.js';
import { createStateReader, stateMessages } from './state-stream.js';

const PARAMETERS = 700_001;
const RUN = 'run';

function stateOf(step: number, parameters = PARAMETERS): StateSnapshot & { readonly ema: Float32Array } {
  const part = (k: number) => Float32Array.from({ length: parameters }, (_, at) => Math.cos(at * k + step));
  const parts = { weights: part(1), m: part(2), v: part(3), ema: part(4) };
  return { step, ...parts, weightsCrc: stateCrc(parts), momentsCrc: momentsCrc(parts) };
}

const state = stateOf(9);
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

async function serve(find: FindState, clock?: Clock): Promise<string> {
  const server = new Server(serverOptions(10_000));
  server.addService(Exchange.service, { Pull: () => undefined, PullState: createStateService(find, clock) });
  closers.push(() => {
    server.forceShutdown();
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return `127.0.0.1:${port}`;
}

const pull = (address: string, changes: Partial<PullStateOptions> = {}): Promise<StateSnapshot> =>
  pullState({
    peer: 'worker w',
    address,
    run: RUN,
    pass: { generation: 1, proof: new Uint8Array() },
    step: 9,
    shape: { parameters: PARAMETERS, hasAverage: true },
    expected: { weightsCrc: state.weightsCrc, momentsCrc: state.momentsCrc },
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...changes,
  });

/** A call of somebody who reads nothing, not even from the socket. */
function ask(address: string, step = 9): ClientHttp2Stream {
  const session = connect(`http://${address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': Exchange.service.PullState.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  const request = Exchange.service.PullState.requestSerialize({ run: RUN, step });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  stream.end(Buffer.concat([prefix, request]));
  closers.push(() => {
    session.destroy();
  });
  return stream;
}

describe('a state that is pulled', () => {
  it('is the whole one, bit by bit', async () => {
    const pulled = await pull(await serve(() => state));
    for (const part of ['weights', 'm', 'v', 'ema'] as const) {
      expect(Buffer.from(pulled[part]!.slice().buffer).equals(Buffer.from(state[part].buffer)), part).toBe(true);
    }
    expect(pulled).toMatchObject({ step: 9, weightsCrc: state.weightsCrc, momentsCrc: state.momentsCrc });
  });

  it.each(['weights', 'm', 'v', 'ema'] as const)(
    'is refused when one value of its %s is damaged on the way',
    (part) => {
      const damaged = { ...state, [part]: state[part].slice() };
      const reader = createStateReader({ parameters: PARAMETERS, hasAverage: true });
      new Uint8Array(damaged[part].buffer)[12_345]! ^= 4;
      for (const message of stateMessages(damaged)) reader.accept(message as PullStateResponse__Output);
      const what = part === 'm' || part === 'v' ? 'the moments' : 'the weights';
      expect(() => reader.finish()).toThrow(
        expect.objectContaining({
          code: 'FRAME_INVALID',
          message: expect.stringContaining(`${what} have checksum`) as string,
        }),
      );
    },
  );

  it.each(['weights', 'm', 'v', 'ema'] as const)(
    'does not leave a holder in whose memory its %s changed',
    async (part) => {
      const damaged = { ...state, [part]: state[part].slice() };
      damaged[part][77] = 0;
      await expect(pull(await serve(() => damaged))).rejects.toThrow(
        /worker w does not hand out the state after step 9 .*DESYNC: the state after step 9 changed by itself/,
      );
    },
  );

  it.each(['weightsCrc', 'momentsCrc'] as const)('must be the one that was committed, by its %s', async (key) => {
    const expected = { weightsCrc: state.weightsCrc, momentsCrc: state.momentsCrc, [key]: 1 };
    await expect(pull(await serve(() => state), { expected })).rejects.toMatchObject({
      code: 'DESYNC',
      message: expect.stringContaining('expected 00000001 as committed') as string,
    });
  });

  it('may have any moments when the ledger says nothing of them', async () => {
    const expected = { weightsCrc: state.weightsCrc, momentsCrc: undefined };
    expect(await pull(await serve(() => state), { expected })).toMatchObject({ step: 9 });
  });

  it('must be of the step and the shape that were asked for', async () => {
    const address = await serve(() => state);
    await expect(pull(address, { step: 8 })).rejects.toMatchObject({ code: 'STALE' });
    const shape = { parameters: PARAMETERS, hasAverage: false };
    await expect(pull(address, { shape })).rejects.toThrow(/more than the expected/);
  });

  it('is not there when its holder says so', async () => {
    const find = (): never => {
      throw new TrainingError('STALE', 'it is gone');
    };
    await expect(pull(await serve(find))).rejects.toMatchObject({
      code: 'PEER_UNAVAILABLE',
      message: expect.stringContaining('STALE: it is gone') as string,
    });
  });

  it('names the peer that cannot be reached, where, and what to do', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    await expect(pull(address)).rejects.toMatchObject({
      code: 'PEER_UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(`^worker w cannot be reached at ${address}.*ECONNREFUSED.*--listen or --advertise`),
      ) as string,
    });
  });

  it('is given up at once by whoever no longer wants it', async () => {
    const address = await serve(() => new Promise<never>(() => undefined));
    await expect(pull(address, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  });

  it('is the whole one or is refused, whatever comes', () => {
    const small = stateOf(3, 8);
    const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1), fc.nat(20));
    const chunk = fc.uint8Array({ maxLength: 200 }).map((noise) => ({ chunk: Buffer.from(noise) }));
    const header = fc.record({
      header: fc.record({
        step: uint32,
        parameters: fc.constantFrom(8, 9, 2 ** 32 - 1),
        weightsCrc: uint32,
        momentsCrc: uint32,
      }),
    });
    const honest = fc.constant([...stateMessages(small)]);
    fc.assert(
      fc.property(honest, fc.array(fc.oneof(chunk, header), { maxLength: 4 }), fc.nat(4), (messages, noise, at) => {
        const reader = createStateReader({ parameters: 8, hasAverage: true });
        const said = [...messages.slice(0, at), ...noise, ...messages.slice(at)];
        try {
          for (const message of said) reader.accept(message as PullStateResponse__Output);
          const { weightsCrc, momentsCrc: moments } = reader.finish();
          expect([weightsCrc, moments]).toEqual([small.weightsCrc, small.momentsCrc]);
        } catch (caught) {
          expect(TrainingError.from(caught).code).toBe('FRAME_INVALID');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a holder of states', () => {
  /** Longer than what a connection takes in before anybody reads. */
  const long = (() => {
    const zeros = (): Float32Array => new Float32Array(3 << 20);
    const parts = { weights: zeros(), m: zeros(), v: zeros() };
    return { ...parts, weightsCrc: stateCrc(parts), momentsCrc: momentsCrc(parts) };
  })();
  const shape = { parameters: long.weights.length, hasAverage: false };

  /** Serves that state for every step, and notes each copy that is made. */
  const open = async (clock?: Clock): Promise<{ readonly found: number[]; readonly address: string }> => {
    const found: number[] = [];
    const address = await serve(({ step }) => (found.push(step), { ...long, step }), clock);
    return { found, address };
  };

  it('makes one copy for all who ask for one state at a time', async () => {
    const { found, address } = await open();
    const unread = ask(address);
    await vi.waitUntil(() => found.length === 1);
    await Promise.all(Array.from({ length: 4 }, () => pull(address, { shape, expected: long })));
    expect(found).toEqual([9]);
    unread.destroy();
  });

  it('holds two states at most for pullers who do not read, and gives their turn to others when they stall', async () => {
    const clock = new ManualClock();
    let writes = 0;
    const counting: Clock = {
      ...systemClock,
      schedule: (delayMs, action) => ((writes += 1), clock.schedule(delayMs, action)),
    };
    const { found, address } = await open(counting);
    const unread = [1, 2, 3, 4].map((step) => ask(address, step));
    let seen = 0;
    let calm = 0;
    const isCalm = (): boolean => {
      calm = found.length === 2 && writes === seen ? calm + 1 : 0;
      seen = writes;
      return calm === 5;
    };
    await vi.waitUntil(isCalm, { timeout: 10_000, interval: 20 });
    // A header and a chunk each: what is not read is not made.
    expect(writes).toBeLessThanOrEqual(4);
    const stalled = unread[found[0]! - 1]!;
    const ended = once(stalled, 'trailers') as Promise<[Readonly<Record<string, string>>]>;
    clock.advance(10_000);
    stalled.resume();
    expect(decodeURIComponent((await ended)[0]['grpc-message']!)).toMatch(
      /STALE: nothing of the state was taken for 10000 ms/,
    );
    await vi.waitUntil(() => found.length === 4, { timeout: 10_000 });
  });

  it('gives the turn of a puller that goes away to the next one', async () => {
    const { found, address } = await open();
    const unread = [1, 2, 3].map((step) => ask(address, step));
    await vi.waitUntil(() => found.length === 2, { timeout: 10_000 });
    unread[found[0]! - 1]!.destroy();
    await vi.waitUntil(() => found.length === 3, { timeout: 10_000 });
  });
});
