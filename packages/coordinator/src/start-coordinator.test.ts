import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkLedger, createPlan, parseLedger, type LedgerRecord, type RunConfig, type WorkItem } from '@facet/shared';
import { createLogger } from '@facet/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBroker, type TestBroker } from '../test/broker.js';
import { MeetingPoint, startFakeWorker, type FakeWorker, type FakeWorkerOptions } from '../test/fake-worker.js';
import { createTinyRun, type TinyRun } from '../test/tiny-run.js';
import type { Coordinator } from './coordinator.js';
import type { RunResult, StoredResult } from './run/result.js';
import { startCoordinator } from './start-coordinator.js';

let cleanups: AsyncDisposable[];
let broker: TestBroker;
let tiny: TinyRun;
let meeting: MeetingPoint;
const log = createLogger('test', (process.env['FACET_TEST_LOG'] ?? 'silent') as 'silent');

beforeEach(async () => {
  broker = await startBroker();
  tiny = await createTinyRun(broker.url);
  cleanups = [broker, tiny];
  meeting = new MeetingPoint();
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup[Symbol.asyncDispose]();
});

async function coordinate(changes: Partial<RunConfig> = {}, mode: 'new' | 'resume' = 'new'): Promise<Coordinator> {
  const config = tiny.config(changes);
  const coordinator = await startCoordinator({ config, runFolder: tiny.runFolder, mode, codeVersion: 'test', log });
  cleanups.push({ [Symbol.asyncDispose]: () => coordinator.close() });
  return coordinator;
}

async function addWorker(
  coordinator: Coordinator,
  workerId: string,
  options: Partial<FakeWorkerOptions> = {},
): Promise<FakeWorker> {
  const worker = await startFakeWorker({ workerId, address: coordinator.address, meeting, ...options });
  cleanups.push(worker);
  return worker;
}

async function readLedger(): Promise<readonly LedgerRecord[]> {
  return parseLedger(await readFile(join(tiny.runFolder, 'ledger.jsonl'), 'utf8')).records;
}

const ofKind = <K extends LedgerRecord['kind']>(records: readonly LedgerRecord[], kind: K) =>
  records.filter((record): record is Extract<LedgerRecord, { kind: K }> => record.kind === kind);

describe('a whole run', () => {
  it('trains two workers to the end and proves every sample', async () => {
    const coordinator = await coordinate();
    const workers = [await addWorker(coordinator, 'a'), await addWorker(coordinator, 'b')];
    const result = await coordinator.done;
    expect(result).toMatchObject({
      outcome: 'finished',
      steps: 8,
      epochs: 2,
      workers: 2,
      generations: 1,
      faults: 0,
      testAccuracy: 0.75,
      ledger: { expected: 128, committed: 128, missing: 0, duplicated: 0 },
    });
    expect(await workers[0]!.ended).toMatchObject({ kind: 'stop', reason: 'STOP_REASON_FINISHED' });
    expect(await workers[1]!.ended).toMatchObject({ kind: 'stop', reason: 'STOP_REASON_FINISHED' });
    expect(workers.map(({ received }) => received[0]?.welcome?.workersOnHost)).toEqual([2, 2]);
    expect(await readdir(join(tiny.runFolder, 'checkpoints'))).toContain('step-000000008');
    expect((await readdir(tiny.runFolder)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'ledger.jsonl',
      'result.json',
    ]);

    const plan = createPlan(tiny.config(), { trainSamples: 64, testSamples: 20 });
    for (const { kind, step, index, ids, samples } of workers.flatMap(({ consumed }) => consumed)) {
      expect(ids).toEqual(plan.microBatch({ kind, step }, index));
      expect([...samples!.labels]).toEqual([...ids].map((id) => id % 10));
      expect(samples!.pixels[0]).toBe(ids[0]);
    }
  });
});

describe('a run with held-out images', () => {
  it('never trains on them, evaluates them, and says so in ledger, result and status', async () => {
    const samples = { train: 0, test: 0, heldOut: 16 };
    const coordinator = await coordinate({ samples, evaluation: 'held-out' });
    const workers = [await addWorker(coordinator, 'a'), await addWorker(coordinator, 'b')];
    const result = await coordinator.done;
    const heldOut = { outcome: 'finished', heldOutAccuracy: 0.75, evaluatedWeights: 'last', steps: 6 };
    expect(result).toMatchObject({ ...heldOut, ledger: { expected: 96, committed: 96, missing: 0, duplicated: 0 } });
    expect(result.testAccuracy).toBeUndefined();

    const records = await readLedger();
    expect(checkLedger(records)).toMatchObject({ clean: true, foreign: 0 });
    const [run] = ofKind(records, 'run');
    expect(run).toMatchObject({ trainSamples: 48, heldOut: { length: 16 } });
    const ids = new Set(run!.heldOut);
    expect(ofKind(records, 'commit').some((commit) => commit.samples.some((id) => ids.has(id)))).toBe(false);
    expect(ofKind(records, 'held-out-evaluation')).toHaveLength(2);
    expect(ofKind(records, 'evaluation')).toEqual([]);

    const shards = workers.flatMap(({ consumed }) => consumed);
    const evaluated = shards.filter(({ kind }) => kind === 'evaluate').flatMap(({ ids: of }) => [...of]);
    expect(new Set(evaluated)).toEqual(ids);
    // The first byte of every image is its place in the training split: these pixels are not the test split's.
    for (const shard of shards) expect(shard.samples!.pixels[0]).toBe(shard.ids[0]);

    const again = await coordinate({ samples, evaluation: 'held-out' }, 'resume');
    expect(await again.done).toEqual({ ...result, message: 'the run was finished already' });
  });

  it('is refused when it asks for more images than there are', async () => {
    const attempt = coordinate({ samples: { train: 60, test: 0, heldOut: 16 } });
    await expect(attempt).rejects.toThrow(/samples\.train: 60, expected at most 48/);
  });
});

describe('faults', () => {
  it('goes on without a worker that dies, and commits every sample once', async () => {
    const coordinator = await coordinate();
    await addWorker(coordinator, 'a');
    await addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 3) worker.die();
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, workers: 1, generations: 2, faults: 1 });
    expect(result.ledger).toEqual({ expected: 128, committed: 128, missing: 0, duplicated: 0 });
    const [fault] = ofKind(await readLedger(), 'fault');
    expect(fault).toMatchObject({ generation: 1, code: 'PEER_UNAVAILABLE' });
    expect(fault!.message).toContain('worker b is gone');
  });

  it('excludes a worker that falls silent', async () => {
    const coordinator = await coordinate({ timeouts: { heartbeatMs: 400, stepMs: 5_000, gatherMs: 20_000 } });
    await addWorker(coordinator, 'a');
    const silent = await addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 2) worker.fallSilent();
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, generations: 2, faults: 1 });
    expect(await silent.ended).toEqual({ kind: 'gone' });
    expect(ofKind(await readLedger(), 'fault')[0]!.message).toMatch(/worker b was silent for \d/);
  });

  it('starts newcomers from the last checkpoint when everybody died, and replays', async () => {
    const coordinator = await coordinate({ checkpoint: { everySteps: 2, keep: 3 } });
    const dieAtFour: Partial<FakeWorkerOptions> = {
      beforeWork: async (worker, { step }) => {
        if (step !== 4) return;
        await vi.waitUntil(() => existsSync(join(tiny.runFolder, 'checkpoints', 'step-000000002')), { timeout: 5_000 });
        worker.die();
      },
    };
    const first = [await addWorker(coordinator, 'a', dieAtFour), await addWorker(coordinator, 'b', dieAtFour)];
    await Promise.all(first.map(({ ended }) => ended));
    const newcomer = await addWorker(coordinator, 'c');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, workers: 1 });
    expect(newcomer.received.find(({ form }) => form)?.form).toMatchObject({
      stateSource: 'STATE_SOURCE_PULL',
      stateAddress: coordinator.address,
      stateStep: 2,
    });
    expect(ofKind(await readLedger(), 'replay').map(({ step }) => step)).toEqual([3]);
    expect(result.ledger).toMatchObject({ missing: 0, duplicated: 0 });
  });

  it('stops at a desync and names both workers', async () => {
    const coordinator = await coordinate();
    await addWorker(coordinator, 'a');
    await addWorker(coordinator, 'b', {
      forge: (done) => (done.step === 3 ? { ...done, weightsCrc: 0xdead } : done),
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
    expect(result.message).toMatch(/the weights after step 3 differ: .*worker (a|b) has .*worker (a|b) has /);
    expect(ofKind(await readLedger(), 'end')).toMatchObject([{ reason: 'failed' }]);
  });

  it('commits nothing that does not account for every sample', async () => {
    const coordinator = await coordinate();
    const forge: FakeWorkerOptions['forge'] = (done) => ({
      ...done,
      sampleChecksum: done.sampleChecksum + (done.step === 2 ? 1 : 0),
    });
    await addWorker(coordinator, 'a', { forge });
    await addWorker(coordinator, 'b', { forge });
    expect(await coordinator.done).toMatchObject({ outcome: 'failed', code: 'ACCOUNTING', steps: 1 });
  });

  it('takes in a worker that comes later', async () => {
    const coordinator = await coordinate();
    let late: Promise<FakeWorker> | undefined;
    const holdUntilLate = async (worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 3) return;
      late ??= addWorker(coordinator, 'late');
      const isRegrouped = (): boolean => worker.received.some(({ regroup }) => regroup);
      await vi.waitUntil(isRegrouped, { timeout: 5_000, interval: 5 });
    };
    await addWorker(coordinator, 'a', { beforeWork: holdUntilLate });
    await addWorker(coordinator, 'b', { beforeWork: holdUntilLate });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', workers: 3, generations: 2, faults: 0 });
    const form = (await late)?.received.find((response) => response.form)?.form;
    expect(form).toMatchObject({ rank: 2, stateSource: 'STATE_SOURCE_PULL', stateStep: 2, step: 3 });
  });

  it('publishes again when the broker comes back without its memory', async () => {
    const coordinator = await coordinate({ prefetchSteps: 1 });
    let restarted: Promise<void> | undefined;
    const restartAtThree = async (_worker: FakeWorker, { kind, step }: WorkItem): Promise<void> => {
      if (kind === 'train' && step === 3) await (restarted ??= broker.restart());
    };
    await addWorker(coordinator, 'a', { beforeWork: restartAtThree });
    await addWorker(coordinator, 'b', { beforeWork: restartAtThree });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
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

  async function stopBefore(step: number, changes: Partial<RunConfig> = {}): Promise<RunResult> {
    const coordinator = await coordinate(changes);
    const options = stopAt(() => coordinator, step);
    await addWorker(coordinator, 'a', options);
    await addWorker(coordinator, 'b', options);
    return coordinator.done;
  }

  it('stops with a checkpoint and resumes from it with other workers', async () => {
    const stopped = await stopBefore(6);
    expect(stopped).toMatchObject({ outcome: 'stopped', message: 'enough for today', steps: 5, faults: 0 });
    expect(stopped.checkpoint).toMatch(/step-000000005$/);

    const coordinator = await coordinate({ workers: { count: 1, min: 1, max: 4 } }, 'resume');
    const worker = await addWorker(coordinator, 'c');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, generations: 1 });
    expect(result.ledger).toEqual({ expected: 128, committed: 128, missing: 0, duplicated: 0 });
    const form = worker.received.find((message) => message.form)?.form;
    expect(form).toMatchObject({ generation: 1_002, step: 6, stateStep: 5 });
    expect(ofKind(await readLedger(), 'resume')).toMatchObject([{ fromStep: 5 }]);
  });

  it('passes over a damaged checkpoint, says so, and replays from the one before', async () => {
    const stopped = await stopBefore(6);
    await truncate(join(stopped.checkpoint!, 'model.safetensors'), 20);
    const coordinator = await coordinate({}, 'resume');
    await addWorker(coordinator, 'a');
    await addWorker(coordinator, 'b');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
    expect(result.warnings.join()).toContain('step-000000005');
    expect(ofKind(await readLedger(), 'replay').map(({ step }) => step)).toEqual([5]);
  });

  it('resumes after it was closed at once', async () => {
    const first = await coordinate();
    const isHeld = createGate();
    const hold = async (worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 3) return;
      isHeld.open();
      await worker.ended;
    };
    const workers = [
      await addWorker(first, 'a', { beforeWork: hold }),
      await addWorker(first, 'b', { beforeWork: hold }),
    ];
    await isHeld.opened;
    await vi.waitUntil(async () => ofKind(await readLedger(), 'commit').length === 2, { timeout: 5_000, interval: 5 });
    await first.close();
    expect(await first.done).toMatchObject({ outcome: 'stopped', checkpoint: undefined });
    await Promise.all(workers.map(({ ended }) => ended));

    const second = await coordinate({}, 'resume');
    await addWorker(second, 'a');
    await addWorker(second, 'b');
    const result = await second.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
    expect(ofKind(await readLedger(), 'replay').map(({ step }) => step)).toEqual([1, 2]);
  });

  it('commits what only a surviving worker knows when the coordinator comes back', async () => {
    await stopBefore(3);
    const coordinator = await coordinate({ workers: { count: 1, min: 1, max: 4 } }, 'resume');
    const survivor = await addWorker(coordinator, 'a', { appliedStep: 4 });
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
    const first = await coordinate();
    await addWorker(first, 'a');
    await addWorker(first, 'b');
    const finished = await first.done;
    const second = await coordinate({}, 'resume');
    expect(await second.done).toEqual({ ...finished, message: 'the run was finished already' });
  });

  it('writes result.json with the history of every epoch', async () => {
    const coordinator = await coordinate();
    await addWorker(coordinator, 'a');
    await addWorker(coordinator, 'b');
    const result = await coordinator.done;
    const stored = JSON.parse(await readFile(join(tiny.runFolder, 'result.json'), 'utf8')) as StoredResult;
    expect(stored).toMatchObject({ outcome: 'finished', weightsSha256: result.weightsSha256 });
    expect(stored.confusion).toHaveLength(100);
    expect(stored.history).toMatchObject([
      { epoch: 0, trainLoss: (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, trainAccuracy: 0.5, testAccuracy: 0.75 },
      { epoch: 1, testAccuracy: 0.75 },
    ]);
  });
});

describe('refusals', () => {
  it.each([
    ['another version of the code', { hello: { codeVersion: '9.9.9' } }, 'VERSION_MISMATCH', '9.9.9'],
    ['another version of the config', { hello: { configVersion: 99 } }, 'VERSION_MISMATCH', 'config version 99'],
    ['an address that is none', { hello: { exchangeAddress: 'nowhere' } }, 'CONFIG_INVALID', 'exchange_address'],
    ['another program', { programSha256: 'b'.repeat(64) }, 'VERSION_MISMATCH', 'program differs'],
    ['an id that is taken', { workerId: 'a' }, 'CONFIG_INVALID', 'in use by process'],
  ])('refuses a worker with %s', async (_what, options, code, text) => {
    const coordinator = await coordinate({ workers: { count: 3, min: 1, max: 8 } });
    const first = await addWorker(coordinator, 'a');
    await vi.waitUntil(() => first.isReady, { timeout: 5_000, interval: 5 });
    const refused = await addWorker(coordinator, 'b', options);
    const end = await refused.ended;
    expect(end).toMatchObject({ kind: 'refusal', code });
    expect(end.kind === 'refusal' && end.message).toContain(text);
  });

  it('names a busy port', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    cleanups.push({ [Symbol.asyncDispose]: () => new Promise((resolve) => blocker.close(() => resolve())) });
    const { port } = blocker.address() as AddressInfo;
    const settings = tiny.config().coordinator;
    await expect(coordinate({ coordinator: { ...settings, port } })).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: expect.stringContaining(String(port)),
    });
    await expect(coordinate({ coordinator: { ...settings, httpPort: port } })).rejects.toMatchObject({
      code: 'PORT_BUSY',
    });
    const coordinator = await coordinate();
    expect(coordinator.address).not.toBe('');
  });

  it('says how to get a broker when none answers', async () => {
    await broker.kill();
    await expect(coordinate()).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1.*nats-server -js.*--nats/),
    });
  });

  it('says what a broker without JetStream lacks', async () => {
    const bare = await startBroker({ jetStream: false });
    cleanups.push(bare);
    await expect(coordinate({ nats: { url: bare.url } })).rejects.toMatchObject({
      code: 'BROKER_NO_JETSTREAM',
      message: expect.stringContaining('nats-server -js'),
    });
  });

  it('refuses a micro-batch that the broker would not carry', async () => {
    const small = await startBroker({ maxPayload: 2_000 });
    cleanups.push(small);
    await expect(coordinate({ nats: { url: small.url } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/3192 bytes.*2000.*batch\.micro/),
    });
    const local = await coordinate({ nats: { url: small.url }, data: 'local' });
    expect(local.address).not.toBe('');
  });

  it('keeps runs apart: existing, missing, locked, changed', async () => {
    await expect(coordinate({}, 'resume')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    const first = await coordinate();
    await expect(coordinate({}, 'resume')).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(String(process.pid)),
    });
    await first.close();
    await expect(coordinate()).rejects.toMatchObject({
      code: 'RUN_EXISTS',
      message: expect.stringContaining('facet resume tiny'),
    });
    await expect(coordinate({ seed: 5 }, 'resume')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('seed was 1, is 5'),
    });
  });

  it('fails when too few workers come, and names how many', async () => {
    const coordinator = await coordinate({
      workers: { count: 3, min: 2, max: 8 },
      timeouts: { heartbeatMs: 1_500, stepMs: 1_000, gatherMs: 600 },
    });
    await addWorker(coordinator, 'a');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'failed', code: 'PEER_UNAVAILABLE', steps: 0 });
    expect(result.message).toContain('1 workers were ready within 600 ms, expected at least 2');
  });
});

describe('what others can see', () => {
  it('serves status, discovery and clean metrics', async (context) => {
    const coordinator = await coordinate();
    const isHeld = createGate();
    const release = createGate();
    const hold = async (_worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 6) return;
      isHeld.open();
      await release.opened;
    };
    await addWorker(coordinator, 'a', { beforeWork: hold, hello: { metricsUrl: 'http://10.0.0.1:9100/metrics' } });
    await addWorker(coordinator, 'b', { beforeWork: hold });
    await isHeld.opened;
    const get = async (path: string): Promise<string> => (await fetch(`${coordinator.httpUrl}${path}`)).text();

    expect(JSON.parse(await get('/status'))).toMatchObject({
      run: 'tiny',
      phase: 'training',
      generation: 1,
      totalSteps: 8,
      epochs: 2,
      hasTestAccuracy: true,
      testAccuracy: 0.75,
      workers: [
        { workerId: 'a', isMember: true, rank: 0, state: 'member' },
        { workerId: 'b', isMember: true, rank: 1, state: 'member' },
      ],
    });
    expect(JSON.parse(await get('/sd'))).toEqual([
      { targets: [new URL(coordinator.httpUrl).host], labels: { role: 'coordinator' } },
      {
        targets: ['10.0.0.1:9100'],
        labels: { role: 'worker', worker: 'a', __metrics_path__: '/metrics', __scheme__: 'http' },
      },
    ]);
    const metrics = await get('/metrics');
    expect(metrics).toContain('facet_coordinator_world_size 2');
    expect(metrics).toContain('facet_coordinator_phase{phase="training"} 1');
    release.open();
    expect(await coordinator.done).toMatchObject({ outcome: 'finished' });

    if (spawnSync('promtool', ['--version']).error !== undefined) context.skip('promtool is not installed');
    const { stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
      input: metrics,
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toBe('');
  });
});

function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
