import type { Form, JoinResponse__Output, Ticket, Welcome } from '@facet/proto';
import {
  createPlan,
  encodePeerList,
  OPERATION_DEFAULTS,
  RunToken,
  TrainingError,
  withChange,
  type RunConfig,
} from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../test/testkit/system-training.js';
import { createLogger } from '@facet/telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/testkit/manual-clock.js';
import { createFloatMemory } from '@facet/collective';
import { MemoryCall, NONCE } from '../test/memory-call.js';
import { coordinatorStreamOf } from './coordinator-stream.js';
import type { Compute } from '@facet/engine';
import { createMembership, type Membership, type WorkerOutcome } from './membership.js';
import { joinGeneration, type WorkerResources } from './membership-generation.js';
import { layoutParameters, type ParameterSpec, type Task } from '@facet/task';
import { allocateTrainingState, markApplied } from './train/training-state.js';

const config: RunConfig = {
  ...SYSTEM_TRAINING,
  ...OPERATION_DEFAULTS,
  run: 'mine',
  timeouts: { heartbeatMs: 1_000, stepMs: 5_000, gatherMs: 10_000 },
};
const plan = createPlan(config, { trainSamples: 2_000, testSamples: 100 });
const welcome = {
  run: 'mine',
  runId: 'aa',
  configDocument: Buffer.from(JSON.stringify(config)),
  trainSamples: 2_000,
  testSamples: 100,
  classes: ['x'],
  fields: [{ name: 'label', type: 'uint8', shape: [] as number[] }],
} as unknown as Welcome;
const ticket: Ticket = { term: 1, generation: 3, seal: Buffer.from('sealed') };

const token = RunToken.random();

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let clock: ManualClock;
let leaving: AbortController;
let calls: MemoryCall[];
/** Whether a coordinator answers. */
let isThere: boolean;
let prepared: number;
let membership: Membership;
let outcome: Promise<WorkerOutcome>;

function resourcesOf(): WorkerResources {
  const parameters: readonly ParameterSpec[] = [
    { name: 'w', shape: [2], initialiser: { kind: 'constant', value: 0.5 }, decays: true },
  ];
  const layout = layoutParameters(parameters);
  const notCalled = (): never => {
    throw new Error('nothing is computed here');
  };
  const weights = new Float32Array(layout.length);
  const task: Task = {
    ...{ name: 'two-weights', microBatch: 1, parameters, inputs: [], metrics: [], predictInputs: [] },
    ...{ answer: { kind: 'losses' }, reference: { module: import.meta.url, argument: null } },
    prepare: () => undefined,
    loss: notCalled,
    predict: notCalled,
  };
  const compute = {
    ...{ layout, weights, programSha256: 'b'.repeat(64), trainingSlots: [], evaluationSlots: [] },
    weightsChanged: () => undefined,
    close: () => Promise.resolve(),
  } as unknown as Compute;
  const shards = { server: 'broker', subscribe: () => new Promise<never>(() => undefined) };
  const exchange = {
    outlet: () => new Promise<never>(() => undefined),
    failPulls: () => undefined,
    closeThrough: () => undefined,
  };
  const network = { clock, shards, exchange } as unknown as WorkerResources['network'];
  const state = allocateTrainingState(weights, { emaDecay: 0 });
  return {
    secrets: { natsUrl: '', exchangeKey: NONCE, leaseKey: NONCE },
    ...{ welcome, config, plan, task, fields: { label: { type: 'uint8', shape: [] } }, compute, state, network },
    ...{ memory: createFloatMemory(), data: undefined },
    ...{ engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 },
  };
}

beforeEach(() => {
  clock = new ManualClock();
  leaving = new AbortController();
  calls = [];
  isThere = true;
  prepared = 0;
  membership = createMembership({
    hello: { workerId: 'w' },
    token,
    connect() {
      if (!isThere) return Promise.reject(new TrainingError('COORDINATOR_UNREACHABLE', 'nobody answers'));
      const call = new MemoryCall(token);
      calls.push(call);
      return Promise.resolve(coordinatorStreamOf(call, () => undefined));
    },
    prepare() {
      prepared += 1;
      return Promise.resolve(resourcesOf());
    },
    join: joinGeneration,
    metrics: {
      recordStep: () => undefined,
      recordMembership: () => undefined,
      recordFault: () => undefined,
      recordForgedShard: () => undefined,
    },
    clock,
    log: createLogger('test', 'silent'),
    signal: leaving.signal,
  });
  outcome = membership.run();
  outcome.catch(() => undefined);
});

/** The newest stream, once the worker has said Hello on it. */
async function joined(): Promise<MemoryCall> {
  await settle();
  return calls.at(-1)!;
}

async function welcomed(): Promise<MemoryCall> {
  const call = await joined();
  call.prove();
  await settle();
  call.say({ welcome });
  await settle();
  return call;
}

/** The newest stream of a worker that comes back, welcomed again. */
async function comeBack(call: MemoryCall, said: Welcome = welcome): Promise<void> {
  call.prove();
  await settle();
  call.say({ welcome: said });
  await settle();
}

const formOf = (changes: Partial<Form> = {}): Form => ({
  ...{ generation: 3, rank: 0, kind: 'WORK_KIND_TRAIN', step: 1, stateSource: 'STATE_SOURCE_INITIAL' },
  ...{
    stateAddress: '',
    stateStep: 0,
    stateWeightsCrc: 0,
    stateMomentsCrc: 0,
    shares: [],
    ticket,
    sealedShardKey: Buffer.alloc(0),
    sealedPasses: Buffer.alloc(0),
  },
  peerList: encodePeerList([{ workerId: 'w', exchangeAddress: '127.0.0.1:1' }]),
  ...changes,
});

async function formed(): Promise<MemoryCall> {
  const call = await welcomed();
  call.say({ form: formOf() });
  await settle();
  return call;
}

/** Time passes until the worker tries again. */
async function waitAndJoin(ms = 250): Promise<MemoryCall> {
  await settle();
  clock.advance(ms);
  return joined();
}

describe('a worker', () => {
  it('says Hello without a run, gets ready once, and forms a generation', async () => {
    const call = await formed();
    expect(call.sent[0]).toMatchObject({ hello: { workerId: 'w', term: 0, run: '', runId: '', ticket: null } });
    expect(call.last('ready')).toMatchObject({ engine: 'onnxruntime', state: { hasState: false, generation: 0 } });
    expect(call.last('formed')).toMatchObject({ generation: 3, appliedStep: 0 });
  });

  it('keeps its state, its run and its ticket when the coordinator is gone, and says so when it is back', async () => {
    const call = await formed();
    markApplied(membership.resources!.state, 2);
    call.end();
    const again = await waitAndJoin();
    expect(again.sent[0]).toMatchObject({ hello: { term: 1, run: 'mine', runId: 'aa', ticket } });
    await comeBack(again);
    expect(prepared).toBe(1);
    const state = { generation: 3, hasState: true, appliedStep: 2, weightsCrc: membership.resources!.state.weightsCrc };
    expect(again.last('ready')).toMatchObject({ state });
  });

  it('forgets its state when the run was changed meanwhile: it may have done steps by the values before', async () => {
    const call = await formed();
    markApplied(membership.resources!.state, 2);
    call.end();
    const again = await waitAndJoin();
    const changed = withChange(config, { afterStep: 1, epochs: { from: config.epochs, to: 9 } });
    await comeBack(again, { ...welcome, configDocument: Buffer.from(JSON.stringify(changed)) });
    expect(again.last('ready')).toMatchObject({ state: { hasState: false, recent: [] } });
    expect(prepared).toBe(1);
    const { resources } = membership;
    expect(resources).toMatchObject({ config: { epochs: 9, changes: [{ afterStep: 1 }] } });
    expect(resources!.plan.totalSteps).toBe(9 * plan.stepsPerEpoch);
  });

  it('ends when what no resume may change is another than when it joined', async () => {
    (await formed()).end();
    const again = await waitAndJoin();
    const other = { ...config, seed: 77 };
    await comeBack(again, { ...welcome, configDocument: Buffer.from(JSON.stringify(other)) });
    await expect(outcome).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'the run has another seed than when this worker joined it; start the worker again',
    });
  });

  it('answers Regroup with what it holds, although its consumer is still being made', async () => {
    const call = await formed();
    call.say({ regroup: { generation: 3, reason: 'a peer is gone' } });
    await settle();
    await settle();
    expect(call.last('report')).toMatchObject({ generation: 3, hasState: true, appliedStep: 0 });
  });

  it('sends heartbeats while it is a member, and none when its stream is over', async () => {
    const call = await welcomed();
    clock.advance(1_000);
    expect(call.sent.filter(({ heartbeat }) => heartbeat)).toHaveLength(4);
    call.end();
    await settle();
    clock.advance(100);
    expect(call.sent.filter(({ heartbeat }) => heartbeat)).toHaveLength(4);
  });

  it.each([
    ['STOP_REASON_FINISHED', 'finished'],
    ['STOP_REASON_STOPPED', 'stopped'],
    ['STOP_REASON_FAILED', 'failed'],
  ] as const)('ends with the run: %s', async (reason, expected) => {
    (await formed()).say({ stop: { reason, message: 'over' } });
    expect(await outcome).toEqual({ outcome: expected, message: 'over' });
    expect(calls[0]!.isCancelled).toBe(true);
  });

  it('leaves when it is told to, once the coordinator ends its stream', async () => {
    const call = await formed();
    leaving.abort();
    expect(call.last('leave')).toEqual({ reason: 'it was told to stop' });
    call.end();
    expect(await outcome).toEqual({ outcome: 'left' });
  });

  it('gives up when the coordinator stays away for too long', async () => {
    const call = await formed();
    isThere = false;
    call.end();
    for (let waited = 0; waited <= 10_500; waited += 250) {
      await settle();
      clock.advance(250);
    }
    await expect(outcome).rejects.toThrow('nobody answers; gave up after 10000 ms');
  });

  it('does not obey a coordinator of a lower term, and keeps looking', async () => {
    const call = await formed();
    call.say({ term: 4, drain: { generation: 9, lastStep: 1, reason: 'x' } });
    call.end();
    const old = await waitAndJoin();
    expect(old.sent[0]).toMatchObject({ hello: { term: 4 } });
    old.prove({ term: 2 });
    old.say({ term: 2, stop: { reason: 'STOP_REASON_STOPPED', message: 'obey' } });
    await waitAndJoin();
    expect(calls).toHaveLength(3);
    expect(old.isCancelled).toBe(true);
  });

  it('ends when it is refused', async () => {
    (await joined()).say({ refusal: { code: 'VERSION_MISMATCH', message: 'other version' } });
    expect(await outcome).toEqual({ outcome: 'refused', message: 'VERSION_MISMATCH: other version' });
  });
});

describe("a worker that meets another run's coordinator", () => {
  it('keeps looking for its own, and takes no term from there', async () => {
    (await formed()).end();
    (await waitAndJoin()).prove({ term: 70, runId: 'bb' });
    const back = await waitAndJoin(2_000);
    expect(back.sent[0]).toMatchObject({ hello: { term: 1, runId: 'aa' } });
    await comeBack(back);
    expect(back.last('ready')).toBeDefined();
  });

  it('is told so by one of a lower term too', async () => {
    const call = await formed();
    call.say({ term: 4, drain: { generation: 9, lastStep: 1, reason: 'x' } });
    call.end();
    (await waitAndJoin()).prove({ runId: 'bb' });
    await settle();
    const seen = calls.length;
    await waitAndJoin(250);
    expect(calls).toHaveLength(seen);
  });

  it('gives up in time and names both', async () => {
    (await formed()).end();
    for (let waited = 0; waited <= 14_000; waited += 2_000) (await waitAndJoin(2_000)).prove({ runId: 'bb' });
    await expect(outcome).rejects.toMatchObject({
      code: 'RUN_MISMATCH',
      message: expect.stringMatching(/run mine \(id aa\).* run other \(id bb\).*gave up after 10000 ms/) as string,
    });
  });
});

describe('a worker that meets a coordinator without the token', () => {
  const other = RunToken.random();
  const lie: Partial<JoinResponse__Output>[] = [
    { term: 2 ** 32 - 1, stop: { reason: 'STOP_REASON_FINISHED', message: 'over' } },
    { term: 2 ** 32 - 1, welcome },
    { term: 2 ** 32 - 1, form: formOf({ generation: 2 ** 32 - 1 }) },
    { term: 2 ** 32 - 1, refusal: { code: 'VERSION_MISMATCH', message: 'go away' } },
  ];

  it('does not join, and shows nothing of its own', async () => {
    const call = await joined();
    call.prove({ token: other });
    await expect(outcome).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    expect(call.last('proof')).toBeUndefined();
    expect(prepared).toBe(0);
  });

  it.each(lie)(
    'does not obey what comes before a proof, keeps its state and term, and goes on: %o',
    async (message) => {
      const call = await formed();
      markApplied(membership.resources!.state, 2);
      call.end();
      (await waitAndJoin()).say(message);
      const back = await waitAndJoin(2_000);
      expect(back.sent[0]).toMatchObject({ hello: { term: 1, runId: 'aa' } });
      await comeBack(back);
      expect(back.last('ready')).toMatchObject({ state: { hasState: true, appliedStep: 2 } });
    },
  );

  it('goes on looking when one of the right run has another token', async () => {
    (await formed()).end();
    (await waitAndJoin()).prove({ token: other, term: 2 ** 32 - 1 });
    const back = await waitAndJoin(2_000);
    expect(back.sent[0]).toMatchObject({ hello: { term: 1 } });
    await comeBack(back);
    expect(back.last('ready')).toBeDefined();
  });

  it('takes no Welcome whose secrets were sealed for another stream', async () => {
    const call = await joined();
    call.prove();
    await settle();
    call.keys = token.join({ workerId: 'w' }, { run: 'mine', runId: 'aa', term: 1, nonce: NONCE });
    call.say({ welcome });
    await expect(outcome).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });
});
