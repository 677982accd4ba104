/**
 * Whatever a peer sends, the server answers with a code or takes it, forgets the stream, and goes on. FACET_FUZZ_SCALE
 * multiplies the cases (`npm run bench -- fuzz`).
 */
import { credentials, makeClientConstructor, status, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  Coordination,
  type JoinRequest,
  type JoinResponse__Output,
  type OperateRequest,
  type OperateResponse__Output,
  type Status,
} from '@facet/proto';
import { CONFIG_VERSION, OperatorToken, parseErrorCode, PassSigner, RunToken, TrainingError } from '@facet/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startGrpcServer, type GrpcServer } from './grpc-server.js';
import type { CheckedMessage } from './join-session.js';

const SCALE = Number(process.env['FACET_FUZZ_SCALE'] ?? 1);
const TIMEOUT_MS = 60_000 * Math.max(1, SCALE);
const CALL_DEADLINE_MS = 20_000;
/** Streams under way at a time. */
const CONCURRENT = 25;

const { Join, Operate, GetStatus } = Coordination.service;
const asBytes = { requestSerialize: (bytes: Buffer) => bytes };
const RawClient = makeClientConstructor(
  { Join: { ...Join, ...asBytes }, Operate: { ...Operate, ...asBytes }, GetStatus },
  'Coordination',
);
type RawStream = ClientDuplexStream<Buffer, JoinResponse__Output>;
type RawOrder = ClientDuplexStream<Buffer, OperateResponse__Output>;

const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.nat(20));
const double = fc.oneof(fc.constantFrom(Number.NaN, Infinity, -Infinity, -0), fc.double());
const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.constantFrom('', 'w-1', 'a'.repeat(5_000), '127.0.0.1:1', 'a'.repeat(64), '\u0000', '__proto__'),
);
const metrics = fc.oneof(
  fc.dictionary(text, double, { maxKeys: 3 }),
  fc.record({ correct: fc.oneof(double, fc.nat(20)) }),
  fc.nat(200).map((count) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, at]))),
);
const stepDone = fc.record(
  {
    generation: uint32,
    step: uint32,
    weightsCrc: uint32,
    loss: double,
    metrics,
    sampleCount: uint32,
    gradientNorm: double,
    localGradientNorm: double,
    localLoss: double,
    learningRate: double,
    timings: fc.record({ totalMs: double, computeMs: double }, { requiredKeys: [] }),
    bytesSent: fc.maxSafeNat(),
    localSamples: uint32,
  },
  { requiredKeys: [] },
);
const report = fc.record(
  { generation: uint32, hasState: fc.boolean(), appliedStep: uint32, recent: fc.array(stepDone, { maxLength: 5 }) },
  { requiredKeys: [] },
);
const hello = fc.record(
  {
    workerId: text,
    codeVersion: fc.constantFrom('test', 'other'),
    configVersion: fc.constantFrom(CONFIG_VERSION, 0),
    host: text,
    exchangeAddress: text,
    metricsUrl: text,
  },
  { requiredKeys: [] },
);
const parameter = fc.record({ name: text, shape: fc.array(uint32, { maxLength: 12 }) });
const request: fc.Arbitrary<JoinRequest> = fc.oneof(
  fc.record({ hello }),
  fc.record({ proof: fc.record({ proof: fc.uint8Array({ maxLength: 40 }).map((noise) => Buffer.from(noise)) }) }),
  fc.record({
    ready: fc.record(
      {
        programSha256: text,
        engine: text,
        device: text,
        parameters: fc.array(parameter, { maxLength: 5 }),
        state: report,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ formed: fc.record({ generation: uint32, appliedStep: uint32, weightsCrc: uint32 }) }),
  fc.record({ stepDone }),
  fc.record({
    evaluationDone: fc.record({
      generation: uint32,
      step: uint32,
      parts: fc.array(fc.record({ index: uint32, sampleCount: uint32, lossSum: double, metrics }), { maxLength: 5 }),
      confusion: fc.array(uint32, { maxLength: 20 }),
    }),
  }),
  fc.record({ report }),
  fc.record({ fault: fc.record({ generation: uint32, step: uint32, code: text, message: text }) }),
  fc.record({ heartbeat: fc.record({ step: uint32 }) }),
  fc.record({ leave: fc.record({ reason: text }) }),
  fc.constant({}),
);
const encode = (message: JoinRequest): Buffer => Join.requestSerialize(message);
const valid = request.map(encode);
const bytes = damaged(valid);

/** A message, noise, or a message with damage. */
function damaged(messages: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.oneof(
    messages,
    fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)),
    fc.tuple(messages, fc.nat(), fc.nat(7)).map(([message, at, bit]) => {
      const changed = Buffer.from(message);
      if (changed.length > 0) changed[at % changed.length]! ^= 1 << bit;
      return changed;
    }),
    fc.tuple(messages, fc.nat()).map(([message, cut]) => message.subarray(0, cut % (message.length + 1))),
  );
}

const GOOD_HELLO = {
  workerId: 'w-1',
  codeVersion: 'test',
  configVersion: CONFIG_VERSION,
  host: 'here',
  exchangeAddress: '127.0.0.1:1',
  nonce: Buffer.alloc(32, 1),
};
const TOKEN = RunToken.random();
const operateRequest: fc.Arbitrary<OperateRequest> = fc.oneof(
  fc.record({
    order: fc.record(
      {
        kind: fc.constantFrom('ORDER_KIND_STOP', 'ORDER_KIND_DRAIN', 'ORDER_KIND_CHECKPOINT', 99),
        workerId: text,
        reason: text,
        nonce: fc.constantFrom(Buffer.alloc(32, 1), Buffer.alloc(0), Buffer.alloc(33)),
      },
      { requiredKeys: [] },
    ),
  }) as fc.Arbitrary<OperateRequest>,
  fc.record({ proof: fc.record({ proof: fc.constantFrom(Buffer.alloc(32), Buffer.alloc(1)) }) }),
  fc.constant({}),
);
const orderBytes = damaged(operateRequest.map((message) => Operate.requestSerialize(message)));
const conversation = fc
  .tuple(fc.boolean(), fc.array(bytes, { minLength: 1, maxLength: 4 }))
  .map(([isGreeting, all]) => ({ isGreeting, all }));

function expectCheckedMetrics(metrics: Readonly<Record<string, number>>): void {
  const names = Object.keys(metrics);
  expect(names.length).toBeLessThanOrEqual(64);
  for (const name of names) {
    expect(name.length).toBeGreaterThan(0);
    expect(name.length).toBeLessThanOrEqual(255);
  }
}

/** What the code behind the server may rely on. */
function expectChecked({ kind, body }: CheckedMessage): void {
  if (kind === 'stepDone') {
    expect(body.step).toBeGreaterThan(0);
    expectCheckedMetrics(body.metrics);
    const { correct = 0 } = body.metrics;
    expect(correct).toBeGreaterThanOrEqual(0);
    expect(correct).toBeLessThanOrEqual(body.sampleCount);
    expect(Number.isInteger(correct)).toBe(true);
    const { totalMs = 0, computeMs = 0 } = body.timings ?? {};
    for (const value of [body.gradientNorm, body.localGradientNorm, body.learningRate, totalMs, computeMs])
      expect(value).toBeGreaterThanOrEqual(0);
  }
  if (kind === 'evaluationDone') for (const { metrics } of body.parts) expectCheckedMetrics(metrics);
  if (kind === 'ready') {
    const values = body.parameters.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    expect(values.reduce((sum, value) => sum + value, 0)).toBeLessThan(2 ** 31);
  }
}

describe('the coordination service', () => {
  const open = new Set<unknown>();
  const broken: unknown[] = [];
  let server: GrpcServer;
  let client: InstanceType<typeof RawClient>;

  beforeAll(async () => {
    server = await startGrpcServer({
      host: '127.0.0.1',
      port: 0,
      states: { passes: new PassSigner(Buffer.alloc(32)).verifier, generation: () => 1 },
      gate: {
        ...{ run: 'fuzzed', runId: 'aa', token: TOKEN, operatorToken: OperatorToken.random() },
        onStranger: () => undefined,
      },
      term: 1,
      codeVersion: 'test',
      handler: {
        onHello: (session) => open.add(session),
        onMessage: (_session, message) => {
          try {
            expectChecked(message);
          } catch (caught) {
            broken.push(caught);
          }
        },
        onClosed: (session) => open.delete(session),
      },
      obey: () => {
        broken.push(new Error('an order of nobody was carried out'));
        return Promise.resolve({ message: '', step: 0 });
      },
      status: () => ({ run: 'fuzzed' }) as Status,
      evaluation: { microBatches: 100, classes: 10 },
      stateOf: (step) => Promise.reject(new TrainingError('STALE', `no state after step ${step}`)),
    });
    client = new RawClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });

  afterAll(() => {
    client.close();
    server.close();
  });

  /** Sends everything, behind a good greeting or without one, and closes; resolves to how the server ended it. */
  function say({
    isGreeting,
    all,
  }: {
    readonly isGreeting: boolean;
    readonly all: readonly Buffer[];
  }): Promise<{ code: status; refusals: readonly string[] }> {
    return new Promise((resolve) => {
      const refusals: string[] = [];
      const stream = (client['Join'] as (options: object) => RawStream).call(client, {
        deadline: Date.now() + CALL_DEADLINE_MS,
      });
      const sendAll = (): void => {
        for (const message of all) stream.write(message);
        stream.end();
      };
      stream.on('data', ({ refusal, challenge, term }: JoinResponse__Output) => {
        if (refusal) refusals.push(refusal.code);
        if (!challenge || !isGreeting) return;
        const { workerProof } = TOKEN.join(GOOD_HELLO, { ...challenge, term });
        stream.write(encode({ proof: { proof: Buffer.from(workerProof), previousProof: Buffer.alloc(0) } }));
        sendAll();
      });
      stream.on('error', () => undefined);
      stream.on('status', ({ code }: { code: status }) => {
        resolve({ code, refusals });
      });
      if (isGreeting) stream.write(encode({ hello: GOOD_HELLO }));
      else sendAll();
    });
  }

  it('answers any bytes with an end or a code, and keeps nothing of them', { timeout: TIMEOUT_MS }, async () => {
    const count = 400 * SCALE;
    let refused = 0;
    const conversations = fc.sample(conversation, count);
    for (let at = 0; at < count; at += CONCURRENT) {
      for (const { code, refusals } of await Promise.all(conversations.slice(at, at + CONCURRENT).map(say))) {
        expect([status.OK, status.INTERNAL]).toContain(code);
        expect(refusals.length).toBeLessThanOrEqual(1);
        for (const name of refusals) expect(parseErrorCode(name)).toBe(name);
        refused += refusals.length;
      }
    }
    expect(broken).toEqual([]);
    expect(refused).toBeGreaterThan(count / 4);
    expect(open.size).toBe(0);
  });

  it('carries out no order, whatever the bytes of one', { timeout: TIMEOUT_MS }, async () => {
    const count = 200 * SCALE;
    const orders = fc.sample(fc.array(orderBytes, { minLength: 1, maxLength: 3 }), count);
    const give = (all: readonly Buffer[]): Promise<{ code: status; refusals: readonly string[] }> =>
      new Promise((resolve) => {
        const refusals: string[] = [];
        const deadline = Date.now() + CALL_DEADLINE_MS;
        const stream = (client['Operate'] as (options: object) => RawOrder).call(client, { deadline });
        stream.on('data', ({ refusal }: OperateResponse__Output) => {
          if (refusal) refusals.push(refusal.code);
        });
        stream.on('error', () => undefined);
        stream.on('status', ({ code }: { code: status }) => {
          resolve({ code, refusals });
        });
        for (const message of all) stream.write(message);
        stream.end();
      });
    let refused = 0;
    for (let at = 0; at < count; at += CONCURRENT) {
      for (const { code, refusals } of await Promise.all(orders.slice(at, at + CONCURRENT).map(give))) {
        expect([status.OK, status.INTERNAL]).toContain(code);
        for (const name of refusals) expect(parseErrorCode(name)).toBe(name);
        refused += refusals.length;
      }
    }
    expect(broken).toEqual([]);
    expect(refused).toBeGreaterThan(count / 4);
  });

  it(
    'refuses a message that is larger than any worker has to send, and still serves',
    { timeout: 60_000 },
    async () => {
      const huge = encode({ leave: { reason: 'x'.repeat(520 * 1024) } });
      // The end of the stream may overtake its code, because the client is still writing.
      const { code } = await say({ isGreeting: true, all: [huge] });
      expect([status.RESOURCE_EXHAUSTED, status.UNAVAILABLE]).toContain(code);
      const largest = { index: 2 ** 32 - 1, sampleCount: 2 ** 32 - 1, lossSum: 1 };
      const parts = Array.from({ length: 100 }, () => largest);
      const confusion = new Array<number>(100).fill(2 ** 32 - 1);
      const evaluation = encode({ evaluationDone: { generation: 1, step: 1, parts, confusion } });
      expect(evaluation.length).toBeLessThan(100 * 24 + 100 * 5 + 64);
      expect(await say({ isGreeting: true, all: [evaluation] })).toEqual({ code: status.OK, refusals: [] });
      await vi.waitUntil(() => open.size === 0, { timeout: 10_000 });
      expect(await say({ isGreeting: true, all: [] })).toEqual({ code: status.OK, refusals: [] });
    },
  );
});
