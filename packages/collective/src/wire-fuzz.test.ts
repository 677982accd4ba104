/**
 * Whatever a peer sends, a worker answers with a code and goes on. FACET_FUZZ_SCALE multiplies the cases
 * (`npm run bench -- fuzz`).
 */
import { connect, type Socket } from 'node:net';
import { Client, credentials, status } from '@grpc/grpc-js';
import { Exchange } from '@facet/proto';
import {
  GRADIENT_FORMATS,
  PassSigner,
  type FramesAsked,
  type GradientFormatName,
  type StateAsked,
} from '@facet/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAllReduce } from './all-reduce.js';
import { startExchangeServer, type ExchangeServer } from './exchange-server.js';
import { gradientFormat, type GradientFormat } from './formats/gradient-format.js';
import { deliver, encodeHeader, FRAME_KINDS, wholeFrame, type FrameHeader } from './frame.js';
import { abstractPath, greeting, openSocketDoor } from './socket-door.js';

const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);
const TIMEOUT_MS = 60_000 * Math.max(1, SCALE);
const CALL_DEADLINE_MS = 20_000;
const CONCURRENT = 25;
const RUN = 'fuzzed';
const PASSES = new PassSigner(new Uint8Array(32));
const STRANGER = new PassSigner(new Uint8Array(32).fill(1));
const CLOSED_THROUGH = 3;

const uint32 = fc.oneof(fc.constantFrom(0, 1, CLOSED_THROUGH, 2 ** 31, 2 ** 32 - 1), fc.nat(20));
const run = fc.oneof(fc.constant(RUN), fc.string());
const { Pull, PullState } = Exchange.service;
const pullRequest = (asked: FramesAsked, isWelcome = true) => ({
  ...asked,
  proof: (isWelcome ? PASSES : STRANGER).forFrames(asked),
});
const stateRequest = (asked: StateAsked, isWelcome: boolean) => ({
  ...asked,
  proof: Buffer.from((isWelcome ? PASSES : STRANGER).forState(asked).proof),
});
const call = fc
  .record({
    isState: fc.boolean(),
    run,
    generation: uint32,
    rank: uint32,
    isWelcome: fc.nat(3).map((one) => one > 0),
    noise: fc.option(fc.uint8Array({ maxLength: 60 })),
  })
  .map(({ isState, isWelcome, noise, ...request }) => ({
    path: isState ? PullState.path : Pull.path,
    bytes:
      noise === null
        ? isState
          ? PullState.requestSerialize(
              stateRequest({ run: request.run, generation: request.generation, step: request.rank }, isWelcome),
            )
          : Pull.requestSerialize(pullRequest(request, isWelcome))
        : Buffer.from(noise),
  }));

describe('the exchange service', () => {
  let server: ExchangeServer;
  let client: Client;

  beforeAll(async () => {
    server = await startExchangeServer({
      host: '127.0.0.1',
      run: () => RUN,
      exchangeKey: () => PASSES.publicKey,
      snapshot: () => undefined,
    });
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
    // A state that is not there is refused with FAILED_PRECONDITION, like everything that does not fit the run.
    const expected = [
      status.FAILED_PRECONDITION,
      status.ABORTED,
      status.INTERNAL,
      status.PERMISSION_DENIED,
      'accepted',
    ];
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
          Pull.requestSerialize(pullRequest({ run: RUN, generation: 9, rank: 7 })),
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

describe('the door for sockets of values', () => {
  it('hangs up on any greeting that it does not know, and goes on', { timeout: TIMEOUT_MS }, async () => {
    const toGrpc: Socket[] = [];
    const door = await openSocketDoor({ host: '127.0.0.1', onGrpc: (socket) => toGrpc.push(socket.destroy()) });
    const greet = (bytes: Uint8Array, isLocal: boolean): Promise<void> =>
      new Promise((resolve) => {
        const where =
          isLocal && door.unixName !== undefined ? { path: abstractPath(door.unixName) } : { port: door.port };
        const socket = connect(where).on('error', () => undefined);
        socket.once('close', () => {
          resolve();
        });
        socket.resume().end(bytes);
      });
    const magic = fc.constantFrom('FAS1', 'FAM1', 'FAX1', 'PRI ', '');
    const greetings = fc.tuple(magic, fc.uint8Array({ maxLength: 60, size: 'max' }), fc.boolean());
    for (const [name, rest, isLocal] of fc.sample(greetings, 200 * SCALE))
      await greet(Buffer.concat([Buffer.from(name), rest]), isLocal);
    const invitation = door.invite();
    const guest = connect({ port: door.port }).end(greeting(invitation.token));
    expect((await invitation.guest).way).toBe('tcp');
    expect(toGrpc.length).toBeGreaterThan(0);
    guest.destroy();
    door.close();
  });
});

describe('a frame', () => {
  const LENGTH = 16;
  /** Worlds, and for peers of their rank 0 a frame that is right there, but for int8, whose blocks are longer than these slices. */
  const WORLDS = {
    'two ranks': { shape: { worldSize: 2 }, right: { 1: { kind: 'partial', level: 1, index: 1, count: LENGTH } } },
    'groups of two': {
      shape: { worldSize: 4, groupSize: 2, replicatedBytes: 0 },
      right: {
        1: { kind: 'partial', level: 0, index: 1, count: 8 },
        2: { kind: 'group-partial', level: 1, index: 1, count: 4 },
      },
    },
  } as const;
  type World = (typeof WORLDS)[keyof typeof WORLDS];
  interface Right {
    readonly kind: FrameHeader['kind'];
    readonly level: number;
    readonly index: number;
    readonly count: number;
  }
  const format = (name: GradientFormatName): GradientFormat => gradientFormat({ name, exactFrom: LENGTH - 4, seed: 1 });
  const near = (right: number): fc.Arbitrary<number> => fc.oneof({ weight: 4, arbitrary: fc.constant(right) }, uint32);
  const headerIn = (name: GradientFormatName, right: Right): fc.Arbitrary<FrameHeader> =>
    fc.record({
      run: near(1),
      generation: near(1),
      step: near(1),
      bucket: near(0).map((bucket) => bucket % 65_536),
      owner: fc.oneof(near(0), fc.nat(2)).map((owner) => owner % 65_536),
      kind: fc.oneof({ weight: 4, arbitrary: fc.constant(right.kind) }, fc.constantFrom(...FRAME_KINDS)),
      subtree: fc.record({ level: fc.oneof(fc.constant(right.level), fc.nat(3)), index: near(right.index) }),
      offset: near(0),
      format: fc.oneof({ weight: 4, arbitrary: fc.constant(name) }, fc.constantFrom(...GRADIENT_FORMATS)),
      count: near(right.count),
    });
  const frameIn = (name: GradientFormatName, place: Right): fc.Arbitrary<Buffer> => {
    const count = name === 'int8' && place.count < LENGTH ? 0 : place.count;
    const right = new Uint8Array(format(name).encodedBytes(0, count));
    const values = fc.oneof({ weight: 2, arbitrary: fc.constant(right) }, fc.uint8Array({ maxLength: 80 }));
    const frame = fc
      .tuple(headerIn(name, { ...place, count }), values)
      .map(([head, of]) => wholeFrame(encodeHeader(head, of), of));
    return fc.oneof(frame, damaged(frame));
  };
  const damaged = (frame: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)),
      fc.tuple(frame, fc.nat()).map(([whole, cut]) => whole.subarray(0, cut % whole.length)),
      fc
        .tuple(frame, fc.uint8Array({ minLength: 1, maxLength: 8 }))
        .map(([whole, more]) => Buffer.concat([whole, more])),
      fc.tuple(frame, fc.nat(), fc.nat(7)).map(([whole, at, bit]) => {
        whole[at % whole.length]! ^= 1 << bit;
        return whole;
      }),
    );

  /** What an all-reduce says, in its first step, to a frame of a peer. */
  function answerTo(bytes: Buffer, name: GradientFormatName, world: World['shape'], from: number): string {
    const failures: string[] = [];
    const allReduce = createAllReduce({
      run: 1,
      generation: 1,
      rank: 0,
      ...world,
      length: LENGTH,
      format: format(name),
      bucketBytes: 1024,
      timeoutMs: 1_000,
      firstStep: 1,
      microBatches: () => 4,
      send: () => Promise.resolve(),
      nameOf: (rank) => `rank ${rank}`,
      onFailed: ({ code }) => failures.push(code),
    });
    deliver(bytes, allReduce.inlet(from));
    return failures.join() || 'taken';
  }

  const cases = Object.keys(WORLDS).flatMap((world) => GRADIENT_FORMATS.map((name) => [name, world] as const));

  it.each(cases)(
    'in %s among %s is taken, or ends the all-reduce as FRAME_INVALID',
    { timeout: TIMEOUT_MS },
    (name, worldName) => {
      const { shape, right } = WORLDS[worldName as keyof typeof WORLDS];
      for (const [from, place] of Object.entries<Right>(right)) {
        const answers = new Set<string>();
        fc.assert(
          fc.property(frameIn(name, place), (bytes) => {
            answers.add(answerTo(bytes, name, shape, Number(from)));
          }),
          { numRuns: 2_000 * SCALE },
        );
        expect([...answers].toSorted()).toEqual(['FRAME_INVALID', 'taken']);
      }
    },
  );
});
