/**
 * Whatever a peer sends, a worker answers with a code and goes on. FACET_FUZZ_SCALE multiplies the cases
 * (`npm run bench -- fuzz`).
 */
import { Client, credentials, status } from '@grpc/grpc-js';
import { Exchange } from '@facet/proto';
import { TrainingError } from '@facet/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';
import { decodeFrame, encodeFrame, type FrameHeader } from './frame.js';

const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);
const TIMEOUT_MS = 60_000 * Math.max(1, SCALE);
const CALL_DEADLINE_MS = 20_000;
const CONCURRENT = 25;
const RUN = 'fuzzed';
const CLOSED_THROUGH = 3;

const uint32 = fc.oneof(fc.constantFrom(0, 1, CLOSED_THROUGH, 2 ** 31, 2 ** 32 - 1), fc.nat(20));
const run = fc.oneof(fc.constant(RUN), fc.string());
const { Pull, PullState } = Exchange.service;
const call = fc
  .record({
    isState: fc.boolean(),
    run,
    generation: uint32,
    rank: uint32,
    noise: fc.option(fc.uint8Array({ maxLength: 60 })),
  })
  .map(({ isState, noise, ...request }) => ({
    path: isState ? PullState.path : Pull.path,
    bytes:
      noise === null
        ? isState
          ? PullState.requestSerialize({ run: request.run, step: request.rank })
          : Pull.requestSerialize(request)
        : Buffer.from(noise),
  }));

describe('the exchange service', () => {
  let server: ExchangeServer;
  let client: Client;

  beforeAll(async () => {
    server = await startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot: () => undefined });
    server.closeThrough(CLOSED_THROUGH);
    client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });

  afterAll(() => {
    client.close();
    server.close();
  });

  /** Resolves to the status of a call, or to 'accepted' for one that is waited for; that one is cancelled. */
  function ask(path: string, bytes: Buffer): Promise<status | 'accepted'> {
    return new Promise((resolve) => {
      const pass = (value: Buffer): Buffer => value;
      const stream = client.makeServerStreamRequest(path, pass, pass, bytes, {
        deadline: Date.now() + CALL_DEADLINE_MS,
      });
      stream.on('metadata', () => {
        resolve('accepted');
        stream.cancel();
      });
      stream.on('data', () => undefined);
      stream.on('error', () => undefined);
      stream.on('status', ({ code }) => {
        resolve(code);
      });
    });
  }

  it('accepts or refuses any request with a code, and forgets whoever goes', { timeout: TIMEOUT_MS }, async () => {
    const count = 400 * SCALE;
    const calls = fc.sample(call, count);
    const answers = new Set<status | 'accepted'>();
    for (let at = 0; at < count; at += CONCURRENT) {
      const batch = calls.slice(at, at + CONCURRENT).map(({ path, bytes }) => ask(path, bytes));
      for (const answer of await Promise.all(batch)) answers.add(answer);
    }
    const expected = [status.FAILED_PRECONDITION, status.ABORTED, status.NOT_FOUND, status.INTERNAL, 'accepted'];
    for (const answer of answers) expect([...expected, status.ALREADY_EXISTS]).toContain(answer);
    for (const answer of expected) expect(answers).toContain(answer);
  });

  it(
    'refuses a request that is larger than any, and streams beyond what a generation can have',
    { timeout: TIMEOUT_MS },
    async () => {
      const huge = Pull.requestSerialize({ run: 'x'.repeat(65 * 1024), generation: 9, rank: 0 });
      expect(await ask(Pull.path, huge)).toBe(status.RESOURCE_EXHAUSTED);
      const pass = (value: Buffer): Buffer => value;
      const held = Array.from({ length: 2 }, () =>
        client.makeServerStreamRequest(
          Pull.path,
          pass,
          pass,
          Pull.requestSerialize({ run: RUN, generation: 9, rank: 7 }),
          {
            deadline: Date.now() + CALL_DEADLINE_MS,
          },
        ),
      );
      const ends = held.map(
        (stream) =>
          new Promise<status>((resolve) => {
            stream.on('data', () => undefined);
            stream.on('error', () => undefined);
            stream.on('status', ({ code }) => {
              resolve(code);
            });
          }),
      );
      expect(await Promise.race(ends)).toBe(status.ALREADY_EXISTS);
      server.closeThrough(9);
      expect((await Promise.all(ends)).toSorted()).toEqual([status.OK, status.ALREADY_EXISTS].toSorted());
    },
  );
});

describe('a frame', () => {
  const header: fc.Arbitrary<FrameHeader> = fc.record({
    run: uint32,
    generation: uint32,
    step: uint32,
    bucket: fc.nat(65_535),
    chunk: fc.nat(65_535),
    kind: fc.constantFrom('partial' as const, 'reduced' as const),
    subtree: fc.record({ level: fc.nat(255), index: uint32 }),
    offset: uint32,
  });
  const frame = fc.tuple(header, fc.float32Array({ maxLength: 20 })).map(([head, values]) => encodeFrame(head, values));
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)),
    fc.tuple(frame, fc.nat()).map(([whole, cut]) => whole.subarray(0, cut % whole.length)),
    fc.tuple(frame, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([whole, more]) => Buffer.concat([whole, more])),
    fc.tuple(frame, fc.nat(), fc.nat(7)).map(([whole, at, bit]) => {
      whole[at % whole.length]! ^= 1 << bit;
      return whole;
    }),
  );

  it('is decoded within its own bytes, or refused as FRAME_INVALID', { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(fc.oneof(frame, damaged), (bytes) => {
        try {
          const { payload, count } = decodeFrame(bytes);
          expect(payload.length).toBe(4 * count);
        } catch (caught) {
          expect(TrainingError.from(caught).code).toBe('FRAME_INVALID');
        }
      }),
      { numRuns: 5_000 * SCALE },
    );
  });
});
