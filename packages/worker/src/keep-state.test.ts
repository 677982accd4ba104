/** What a worker keeps of its state for the coordinator to pull: KeepState, over a generation that really trains. */
import type { Form, Welcome } from '@facet/proto';
import {
  createPlan,
  encodePeerList,
  encodeShardMessage,
  packSamples,
  RunToken,
  SHARD_SEAL_BYTES,
  ShardSeal,
  type RunConfig,
  type SampleFields,
  type StateSnapshot,
} from '@facet/shared';
import { createFloatMemory } from '@facet/collective';
import { createLogger } from '@facet/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../test/testkit/manual-clock.js';
import { fakeCompute, LOOP_CONFIG, loopTask } from '../test/loop-world.js';
import { MemoryCall, NONCE } from '../test/memory-call.js';
import { Subscription } from '../test/shard-feed.js';
import { coordinatorStreamOf } from './coordinator-stream.js';
import { createMembership, type Membership } from './membership.js';
import { joinGeneration } from './membership-generation.js';
import { allocateTrainingState } from './train/training-state.js';

/** Ten steps an epoch, so that no state is kept because an epoch ends. */
const SAMPLES = { trainSamples: 40, testSamples: 4 };
const config: RunConfig = { ...LOOP_CONFIG, run: 'mine', samples: { train: 0, test: 0, heldOut: 0 } };
const plan = createPlan(config, SAMPLES);
const fields: SampleFields = { label: { type: 'uint8', shape: [] } };
const GENERATION = 3;
const token = RunToken.random();
const seal = new ShardSeal(NONCE);

let leaving: AbortController;
let call: MemoryCall;
let shards: Subscription;
let membership: Membership;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function resources() {
  const task = loopTask(config.batch.micro);
  const weights = new Float32Array(3);
  const clock = new ManualClock();
  shards = new Subscription();
  const exchange = { outlet: () => new Promise<never>(() => undefined), failPulls: vi.fn(), closeThrough: vi.fn() };
  return {
    secrets: { natsUrl: '', exchangeKey: NONCE, leaseKey: NONCE },
    welcome: { run: 'mine', runId: 'aa' } as unknown as Welcome,
    ...{ config, plan, task, fields, compute: fakeCompute(task, weights, [], undefined) },
    ...{ engine: { name: 'onnxruntime', device: 'cpu' } as const, threads: 1, data: undefined },
    ...{ state: allocateTrainingState(weights, config.optimizer), memory: createFloatMemory() },
    network: {
      ...{ clock, exchange, shards: { server: 'broker', subscribe: () => Promise.resolve(shards) } },
      ...{ openInlet: () => new Promise<never>(() => undefined), pullState: () => new Promise<never>(() => undefined) },
      ...{ leaderAddress: () => Promise.resolve(undefined), close: () => Promise.resolve() },
    },
  };
}

/** The micro-batches of a step arrive, and the worker does it. */
async function train(step: number): Promise<void> {
  const item = { kind: 'train', step } as const;
  for (let index = 0; index < plan.microBatchCount(item); index++) {
    const ids = plan.microBatch(item, index);
    const samples = packSamples(fields, { label: new Uint8Array(ids.length) }, ids.length);
    const shard = { ...item, generation: GENERATION, epoch: plan.epochOf(step), index, ids, samples };
    shards.push(seal.seal(encodeShardMessage(shard, SHARD_SEAL_BYTES)));
  }
  await vi.waitUntil(() => call.last('stepDone')?.step === step, { timeout: 5_000, interval: 1 });
}

async function keep(step: number, generation = GENERATION): Promise<void> {
  call.say({ keepState: { generation, step } });
  await settle();
}

/** A generation of one worker that trains. */
async function startTraining(): Promise<void> {
  await settle();
  call.prove();
  await settle();
  call.say({ welcome: { run: 'mine', runId: 'aa' } as unknown as Welcome });
  await settle();
  const form: Form = {
    ...{ generation: GENERATION, rank: 0, kind: 'WORK_KIND_TRAIN', step: 1, stateSource: 'STATE_SOURCE_INITIAL' },
    ...{ stateAddress: '', stateStep: 0, stateWeightsCrc: 0, stateMomentsCrc: 0, shares: [] },
    ...{ sealedShardKey: Buffer.alloc(0), sealedPasses: Buffer.alloc(0) },
    ticket: { term: 1, generation: GENERATION, seal: Buffer.from('sealed') },
    peerList: encodePeerList([{ workerId: 'w', exchangeAddress: '127.0.0.1:1' }]),
  };
  call.say({ form });
  await vi.waitUntil(() => call.last('formed') !== undefined, { timeout: 5_000, interval: 1 });
  call.say({ start: { generation: GENERATION } });
  await settle();
}

beforeEach(() => {
  leaving = new AbortController();
  call = new MemoryCall(token);
  membership = createMembership({
    hello: { workerId: 'w' },
    token,
    connect: () => Promise.resolve(coordinatorStreamOf(call, () => undefined)),
    prepare: () => Promise.resolve(resources()),
    join: joinGeneration,
    metrics: {
      ...{ recordStep: () => undefined, recordMembership: () => undefined },
      ...{ recordFault: () => undefined, recordForgedShard: () => undefined },
    },
    clock: new ManualClock(),
    log: createLogger('test', 'silent'),
    signal: leaving.signal,
  });
  void membership.run();
});

afterEach(async () => {
  leaving.abort();
  call.end();
  await membership.end('the test is over');
});

it('keeps the state after the step that it was told, and hands out that one when it is further', async () => {
  await startTraining();
  await train(1);
  await keep(2);
  await train(2);
  const now = membership.resources!.state;
  const expected: StateSnapshot = structuredClone(membership.snapshot(2))!;
  expect(expected).toMatchObject({ step: 2, weightsCrc: now.weightsCrc });
  await train(3);
  expect(membership.resources!.state.weights).not.toEqual(expected.weights);
  expect(membership.snapshot(2)).toEqual(expected);
  expect(membership.snapshot(3)).toMatchObject({ step: 3, weightsCrc: now.weightsCrc });
  expect(membership.snapshot(1)).toBeUndefined();
});

it('keeps nothing that nobody asked for', async () => {
  await startTraining();
  await train(1);
  await train(2);
  await train(3);
  expect([1, 2].map((step) => membership.snapshot(step))).toEqual([undefined, undefined]);
});

it('keeps one state at a time: of the newest wish', async () => {
  await startTraining();
  await keep(2);
  await keep(3);
  for (const step of [1, 2, 3, 4]) await train(step);
  expect(membership.snapshot(2)).toBeUndefined();
  expect(membership.snapshot(3)).toMatchObject({ step: 3 });
});

it('drops a wish about a generation that is not its own', async () => {
  await startTraining();
  await keep(2, GENERATION - 1);
  for (const step of [1, 2, 3]) await train(step);
  expect(membership.snapshot(2)).toBeUndefined();
});
