import { mkdir, readFile, rename, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Ticket } from '@facet/proto';
import {
  createPlan,
  formatCrc32,
  OPERATION_DEFAULTS,
  shardStreamName,
  readToken,
  TOKEN_FILE,
  type WorkItem,
} from '@facet/shared';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FAKE_PARAMETERS, fakeCrc, fakeStepDone } from '../test/fake-state.js';
import type { FakeWorker, FakeWorkerOptions } from '../test/fake-worker.js';
import type { Coordinator } from './coordinator.js';
import type { RunResult, StoredResult } from './run/result.js';
import { CoordinatedRun, createGate, log, ofKind, statusOf } from '../test/coordinated-run.js';
import { JoinClient } from '../test/join-client.js';
import { startCoordinator } from './start-coordinator.js';

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

describe('faults', () => {
  it('goes on without a worker that dies, and commits every sample once', async () => {
    const coordinator = await run.coordinate();
    await run.addWorker(coordinator, 'a');
    await run.addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 3) worker.die();
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, workers: 1, generations: 2, faults: 1 });
    expect(result.ledger).toMatchObject({ clean: true, expected: 128, committed: 128, missing: 0, duplicated: 0 });
    const [fault] = ofKind(await run.readLedger(), 'fault');
    expect(fault).toMatchObject({ generation: 1, code: 'PEER_UNAVAILABLE' });
    expect(fault!.message).toContain('worker b is gone');
  });

  it('excludes a worker that falls silent', async () => {
    const coordinator = await run.coordinate({ timeouts: { heartbeatMs: 400, stepMs: 5_000, gatherMs: 20_000 } });
    await run.addWorker(coordinator, 'a');
    const silent = await run.addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 2) worker.fallSilent();
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, generations: 2, faults: 1 });
    expect(await silent.ended).toEqual({ kind: 'gone' });
    expect(ofKind(await run.readLedger(), 'fault')[0]!.message).toMatch(/worker b was silent for \d/);
  });

  it('starts newcomers from the last checkpoint when everybody died, and replays', async () => {
    const coordinator = await run.coordinate({
      checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 3 },
    });
    const dieAtFour: Partial<FakeWorkerOptions> = {
      beforeWork: async (worker, { step }) => {
        if (step !== 4) return;
        // On disk is not enough: it must be what the coordinator hands out.
        await vi.waitUntil(async () => (await statusOf(coordinator)).checkpointStep === 2, { timeout: 5_000 });
        worker.die();
      },
    };
    const first = [await run.addWorker(coordinator, 'a', dieAtFour), await run.addWorker(coordinator, 'b', dieAtFour)];
    await Promise.all(first.map(({ ended }) => ended));
    const newcomer = await run.addWorker(coordinator, 'c');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, workers: 1 });
    expect(newcomer.received.find(({ form }) => form)?.form).toMatchObject({
      stateSource: 'STATE_SOURCE_PULL',
      stateAddress: coordinator.address,
      stateStep: 2,
    });
    expect(ofKind(await run.readLedger(), 'replay').map(({ step }) => step)).toEqual([3]);
    expect(result.ledger).toMatchObject({ missing: 0, duplicated: 0 });
  });

  it('stops at a desync and names both workers', async () => {
    const coordinator = await run.coordinate();
    await run.addWorker(coordinator, 'a');
    await run.addWorker(coordinator, 'b', {
      forge: (done) => (done.step === 3 ? { ...done, weightsCrc: 0xdead } : done),
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
    expect(result.message).toMatch(
      /the weights after step 3 differ: worker (a|b) \(rank [01]\) has .*worker (a|b) \(rank [01]\) has /,
    );
    expect(ofKind(await run.readLedger(), 'end')).toMatchObject([{ reason: 'failed' }]);
  });

  it('commits nothing that does not account for every sample', async () => {
    const coordinator = await run.coordinate();
    const forge: FakeWorkerOptions['forge'] = (done) => ({
      ...done,
      sampleChecksum: done.sampleChecksum + (done.step === 2 ? 1 : 0),
    });
    await run.addWorker(coordinator, 'a', { forge });
    await run.addWorker(coordinator, 'b', { forge });
    expect(await coordinator.done).toMatchObject({ outcome: 'failed', code: 'ACCOUNTING', steps: 1 });
  });

  it('takes no step, report or fault of a stream that only said Hello', async () => {
    const coordinator = await run.coordinate();
    // It has the token, so it is a worker; it is no member of the generation that it speaks of.
    const call = new JoinClient(coordinator.address, await run.token());
    run.defer(call);
    const forge = async (): Promise<void> => {
      const config = run.tiny.config();
      const plan = createPlan(config, { trainSamples: 64, testSamples: 20 });
      const forged = Array.from({ length: plan.totalSteps }, (_, at) => ({
        ...fakeStepDone({ config, plan, generation: 1, step: at + 1 }),
        weightsCrc: 0xdead,
      }));
      await vi.waitUntil(() => call.first('welcome') !== undefined, { timeout: 5_000 });
      for (const stepDone of forged) call.send({ stepDone });
      const state = { generation: 1, hasState: true, appliedStep: 8, weightsCrc: 0xdead, recent: forged };
      call.send({ report: state });
      call.send({ fault: { generation: 1, step: 1, code: 'DESYNC', message: 'forged' } });
      call.send({ evaluationDone: { generation: 1, step: 4, parts: [], confusion: [] } });
      call.send({
        ready: { programSha256: 'a'.repeat(64), parameters: FAKE_PARAMETERS, engine: 'fake', device: 'cpu', state },
      });
      // It has been heard once it joins the members as a newcomer, by another generation.
      await vi.waitUntil(async () => (await statusOf(coordinator)).workers.length === 3, { timeout: 5_000 });
      await call[Symbol.asyncDispose]();
    };
    let forging: Promise<void> | undefined;
    const options: Partial<FakeWorkerOptions> = {
      beforeWork: ({ isReady }) => (isReady ? (forging ??= forge()) : undefined),
    };
    await run.addWorker(coordinator, 'a', options);
    await run.addWorker(coordinator, 'b', options);
    expect(await coordinator.done).toMatchObject({
      outcome: 'finished',
      steps: 8,
      ledger: { missing: 0, duplicated: 0 },
    });
    for (const { step, weightsCrc } of ofKind(await run.readLedger(), 'commit'))
      expect(weightsCrc).toBe(formatCrc32(fakeCrc(step)));
    expect(ofKind(await run.readLedger(), 'fault').filter(({ code }) => code !== 'PEER_UNAVAILABLE')).toEqual([]);
  });

  it('takes in a worker that comes later', async () => {
    const coordinator = await run.coordinate();
    let late: Promise<FakeWorker> | undefined;
    const holdUntilLate = async (worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 3) return;
      late ??= run.addWorker(coordinator, 'late');
      const isDraining = (): boolean => worker.received.some(({ drain }) => drain);
      await vi.waitUntil(isDraining, { timeout: 5_000, interval: 5 });
    };
    await run.addWorker(coordinator, 'a', { beforeWork: holdUntilLate });
    await run.addWorker(coordinator, 'b', { beforeWork: holdUntilLate });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', workers: 3, generations: 2, faults: 0 });
    const form = (await late)?.received.find((response) => response.form)?.form;
    expect(form).toMatchObject({ rank: 2, stateSource: 'STATE_SOURCE_PULL', stateStep: 4, kind: 'WORK_KIND_EVALUATE' });
  });

  it('lets a worker go that asks to leave, after the steps that were begun, and counts no fault', async () => {
    const coordinator = await run.coordinate();
    await run.addWorker(coordinator, 'a');
    const leaver = await run.addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 2) worker.send({ leave: { reason: 'SIGTERM' } });
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, workers: 1, generations: 2, faults: 0 });
    expect(await leaver.ended).toEqual({ kind: 'gone' });
    const records = await run.readLedger();
    const [{ step: leftAfter } = { step: 0 }] = ofKind(records, 'leave');
    expect(ofKind(records, 'leave')).toMatchObject([{ generation: 1, workerId: 'b' }]);
    expect(leaver.appliedStep).toBe(leftAfter);
    expect(leaver.received.find(({ drain }) => drain)?.drain).toMatchObject({ generation: 1, lastStep: leftAfter });
    expect(ofKind(records, 'replay')).toEqual([]);
  });

  it('publishes again when the broker comes back without its memory', async () => {
    const coordinator = await run.coordinate({ prefetchSteps: 1 });
    let restarted: Promise<void> | undefined;
    const restartAtThree = async (_worker: FakeWorker, { kind, step }: WorkItem): Promise<void> => {
      if (kind === 'train' && step === 3) await (restarted ??= run.broker.restart());
    };
    await run.addWorker(coordinator, 'a', { beforeWork: restartAtThree });
    await run.addWorker(coordinator, 'b', { beforeWork: restartAtThree });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
  });

  it.each([
    ['with more to publish', 1],
    ['with everything published', 16],
  ])('makes the stream again when somebody deletes it, %s', async (_when, prefetchSteps) => {
    const coordinator = await run.coordinate({ prefetchSteps });
    const connection = await connect({ servers: run.broker.url });
    run.defer({ [Symbol.asyncDispose]: () => connection.close() });
    const { streams } = await jetstreamManager(connection);
    let deleted: Promise<unknown> | undefined;
    const deleteAtThree = async (_worker: FakeWorker, { kind, step }: WorkItem): Promise<void> => {
      if (kind === 'train' && step === 3) await (deleted ??= streams.delete(shardStreamName(run.tiny.config().run)));
    };
    await run.addWorker(coordinator, 'a', { beforeWork: deleteAtThree });
    await run.addWorker(coordinator, 'b', { beforeWork: deleteAtThree });
    const result = await coordinator.done;
    expect(await deleted).toBe(true);
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, generations: 1, faults: 0 });
    expect(result.ledger).toMatchObject({ missing: 0, duplicated: 0 });
  });
});

describe('stop and resume', () => {
  const stopAt = (coordinator: () => Coordinator, stopStep: number): Partial<FakeWorkerOptions> => ({
    beforeWork: async (worker, { kind, step }) => {
      if (kind !== 'train' || step !== stopStep) return;
      coordinator().requestStop('enough for today');
      await vi.waitUntil(() => worker.received.some(({ regroup }) => regroup), { timeout: 5_000, interval: 5 });
    },
  });

  async function stopBefore(step: number): Promise<RunResult & { readonly ticket: Ticket | null }> {
    const coordinator = await run.coordinate();
    const options = stopAt(() => coordinator, step);
    const worker = await run.addWorker(coordinator, 'a', options);
    await run.addWorker(coordinator, 'b', options);
    return { ...(await coordinator.done), ticket: worker.ticket };
  }

  it('stops with a checkpoint and resumes from it with other workers', async () => {
    const stopped = await stopBefore(6);
    expect(stopped).toMatchObject({ outcome: 'stopped', message: 'enough for today', steps: 5, faults: 0 });
    expect(stopped.checkpoint).toMatch(/step-000000005$/);

    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 4 } }, 'resume');
    const worker = await run.addWorker(coordinator, 'c');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, generations: 2 });
    // All of both lives: the time, what was right in each epoch, what was exchanged.
    expect(result.trainSeconds).toBeGreaterThan(stopped.trainSeconds);
    expect(result.wallSeconds).toBeGreaterThan(stopped.wallSeconds);
    const { history } = JSON.parse(await readFile(join(run.tiny.runFolder, 'result.json'), 'utf8')) as StoredResult;
    expect(history.map(({ trainAccuracy }) => trainAccuracy)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(result.ledger).toMatchObject({ clean: true, expected: 128, committed: 128, missing: 0, duplicated: 0 });
    const form = worker.received.find((message) => message.form)?.form;
    expect(form).toMatchObject({ generation: 1_002, step: 6, stateStep: 5 });
    expect(ofKind(await run.readLedger(), 'resume')).toMatchObject([{ fromStep: 5 }]);
  });

  it('resumes under another name in another place, and stores nothing that would be wrong there', async () => {
    await stopBefore(6);
    const { runFolder, folder } = run.tiny;
    const moved = join(folder, 'elsewhere', 'renamed');
    await mkdir(dirname(moved));
    await rename(runFolder, moved);
    const config = run.tiny.config({ run: 'renamed', workers: { count: 1, min: 1, max: 4 } });
    const coordinator = await startCoordinator({ config, runFolder: moved, mode: 'resume', codeVersion: 'test', log });
    run.defer({ [Symbol.asyncDispose]: () => coordinator.close() });
    await run.addWorker(coordinator, 'c', { token: await readToken(join(moved, TOKEN_FILE)) });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', run: 'renamed', steps: 8, ledger: { clean: true } });
    expect(result.checkpoint).toBe(join(moved, 'checkpoints', 'step-000000008'));
    const stored = JSON.parse(await readFile(join(moved, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(stored).toMatchObject({ dataset: 'mnist', nats: config.nats });
    expect(stored).not.toHaveProperty('run');
  });

  it('stores no address of a broker that ends with the run', async () => {
    const { runFolder } = run.tiny;
    const options = { config: run.tiny.config(), runFolder, mode: 'new', codeVersion: 'test', log } as const;
    await (await startCoordinator({ ...options, hasOwnBroker: true })).close();
    const stored = JSON.parse(await readFile(join(runFolder, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(stored).toHaveProperty('dataset');
    expect(stored).not.toHaveProperty('nats');
  });

  it('passes over a damaged checkpoint, says so, and replays from the one before', async () => {
    const stopped = await stopBefore(6);
    await truncate(join(stopped.checkpoint!, 'model.safetensors'), 20);
    const coordinator = await run.coordinate({}, 'resume');
    await run.addWorker(coordinator, 'a');
    await run.addWorker(coordinator, 'b');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
    expect(result.warnings.join()).toContain('step-000000005');
    expect(ofKind(await run.readLedger(), 'replay').map(({ step }) => step)).toEqual([5]);
  });

  it('resumes after it was closed at once', async () => {
    const first = await run.coordinate();
    const isHeld = createGate();
    const hold = async (worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 3) return;
      isHeld.open();
      await worker.ended;
    };
    const workers = [
      await run.addWorker(first, 'a', { beforeWork: hold }),
      await run.addWorker(first, 'b', { beforeWork: hold }),
    ];
    await isHeld.opened;
    await vi.waitUntil(async () => ofKind(await run.readLedger(), 'commit').length === 2, {
      timeout: 5_000,
      interval: 5,
    });
    await first.close();
    expect(await first.done).toMatchObject({ outcome: 'stopped', checkpoint: undefined });
    await Promise.all(workers.map(({ ended }) => ended));

    const second = await run.coordinate({}, 'resume');
    await run.addWorker(second, 'a');
    await run.addWorker(second, 'b');
    const result = await second.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
    expect(ofKind(await run.readLedger(), 'replay').map(({ step }) => step)).toEqual([1, 2]);
  });

  it('commits what only a surviving worker knows when the coordinator comes back', async () => {
    const { ticket } = await stopBefore(3);
    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 4 } }, 'resume');
    const survivor = await run.addWorker(coordinator, 'a', { appliedStep: 4, hello: { ticket } });
    expect(await coordinator.done).toMatchObject({
      outcome: 'finished',
      steps: 8,
      ledger: { missing: 0, duplicated: 0 },
    });
    expect(survivor.received.find(({ form }) => form)?.form).toMatchObject({
      stateSource: 'STATE_SOURCE_KEEP',
      kind: 'WORK_KIND_EVALUATE',
      step: 4,
    });
  });

  it('returns the result of a finished run at once', async () => {
    const first = await run.coordinate();
    await run.addWorker(first, 'a');
    await run.addWorker(first, 'b');
    const finished = await first.done;
    const second = await run.coordinate({}, 'resume');
    expect(await second.done).toEqual({ ...finished, message: 'the run was finished already' });
  });

  it('writes result.json with the history of every epoch', async () => {
    const coordinator = await run.coordinate();
    await run.addWorker(coordinator, 'a');
    await run.addWorker(coordinator, 'b');
    const result = await coordinator.done;
    const stored = JSON.parse(await readFile(join(run.tiny.runFolder, 'result.json'), 'utf8')) as StoredResult;
    expect(stored).toMatchObject({ outcome: 'finished', weightsSha256: result.weightsSha256 });
    expect(stored.confusion).toHaveLength(100);
    expect(stored.history).toMatchObject([
      { epoch: 0, trainLoss: (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, trainAccuracy: 0.5, testAccuracy: 0.75 },
      { epoch: 1, testAccuracy: 0.75 },
    ]);
  });
});
