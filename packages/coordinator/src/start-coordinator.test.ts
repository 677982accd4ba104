import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { checkLedger, createPlan, unpackSamples, type SampleFields, type WorkItem } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBroker } from '../test/broker.js';
import type { FakeWorker } from '../test/fake-worker.js';
import { CoordinatedRun, createGate, ofKind, pageOf } from '../test/coordinated-run.js';

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

/** What a worker is told that samples are made of. */
function fieldsTold({ received }: FakeWorker): SampleFields {
  const fields = received.find(({ welcome }) => welcome)!.welcome!.fields as {
    name: string;
    type: 'uint8';
    shape: number[];
  }[];
  return Object.fromEntries(fields.map(({ name, type, shape }) => [name, { type, shape }]));
}

describe('a whole run', () => {
  it('trains two workers to the end and proves every sample', async () => {
    const coordinator = await run.coordinate();
    const workers = [await run.addWorker(coordinator, 'a'), await run.addWorker(coordinator, 'b')];
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
    expect(workers.map(({ received }) => received.find(({ welcome }) => welcome)?.welcome?.workersOnHost)).toEqual([
      2, 2,
    ]);
    expect(await readdir(join(run.tiny.runFolder, 'checkpoints'))).toContain('step-000000008');
    expect((await readdir(run.tiny.runFolder)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'ledger.jsonl',
      'operator.token',
      'result.json',
      'run.key',
      'run.token',
    ]);
    // config.json may hold the password of a broker.
    const paths = (await readdir(run.tiny.runFolder, { recursive: true })).map((name) =>
      join(run.tiny.runFolder, name),
    );
    for (const path of [run.tiny.runFolder, ...paths]) expect((await stat(path)).mode & 0o077).toBe(0);

    const plan = createPlan(run.tiny.config(), { trainSamples: 64, testSamples: 20 });
    for (const { kind, step, index, ids, samples } of workers.flatMap(({ consumed }) => consumed)) {
      expect(ids).toEqual(plan.microBatch({ kind, step }, index));
      const { label, image } = unpackSamples(fieldsTold(workers[0]!), samples!, ids.length);
      expect([...label!]).toEqual([...ids].map((id) => id % 10));
      expect(image![0]).toBe(ids[0]);
    }
  });
});

describe('a run with held-out images', () => {
  it('never trains on them, evaluates them, and says so in ledger, result and status', async () => {
    const samples = { train: 0, test: 0, heldOut: 16 };
    const coordinator = await run.coordinate({ samples, evaluation: 'held-out' });
    const workers = [await run.addWorker(coordinator, 'a'), await run.addWorker(coordinator, 'b')];
    const result = await coordinator.done;
    const heldOut = { outcome: 'finished', heldOutAccuracy: 0.75, evaluatedWeights: 'last', steps: 6 };
    expect(result).toMatchObject({ ...heldOut, ledger: { expected: 96, committed: 96, missing: 0, duplicated: 0 } });
    expect(result.testAccuracy).toBeUndefined();

    const records = await run.readLedger();
    expect(checkLedger(records)).toMatchObject({ clean: true, foreign: 0 });
    const [opening] = ofKind(records, 'run');
    expect(opening).toMatchObject({ trainSamples: 48, heldOut: { length: 16 } });
    const ids = new Set(opening!.heldOut);
    expect(ofKind(records, 'commit').some((commit) => commit.samples.some((id) => ids.has(id)))).toBe(false);
    expect(ofKind(records, 'held-out-evaluation')).toHaveLength(2);
    expect(ofKind(records, 'evaluation')).toEqual([]);

    const shards = workers.flatMap(({ consumed }) => consumed);
    const evaluated = shards.filter(({ kind }) => kind === 'evaluate').flatMap(({ ids: of }) => [...of]);
    expect(new Set(evaluated)).toEqual(ids);
    // The first byte of every image is its place in the training split: these pixels are not the test split's.
    for (const { ids: of, samples: packed } of shards) {
      expect(unpackSamples(fieldsTold(workers[0]!), packed!, of.length)['image']![0]).toBe(of[0]);
    }

    const again = await run.coordinate({ samples, evaluation: 'held-out' }, 'resume');
    expect(await again.done).toEqual({ ...result, message: 'the run was finished already' });
  });

  it('is refused when it asks for more images than there are', async () => {
    const attempt = run.coordinate({ samples: { train: 60, test: 0, heldOut: 16 } });
    await expect(attempt).rejects.toThrow(/samples\.train: 60, expected at most 48/);
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
    const coordinator = await run.coordinate({ workers: { count: 3, min: 1, max: 8 } });
    const first = await run.addWorker(coordinator, 'a');
    await vi.waitUntil(() => first.isReady, { timeout: 5_000, interval: 5 });
    const refused = await run.addWorker(coordinator, 'b', options);
    const end = await refused.ended;
    expect(end).toMatchObject({ kind: 'refusal', code });
    expect(end.kind === 'refusal' && end.message).toContain(text);
  });

  it('leaves nothing of a run that could not begin, and the name is free', async () => {
    const broker = run.tiny.config().nats.url;
    await expect(run.coordinate({ nats: { url: 'nats://127.0.0.1:1' } })).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    });
    await expect(readdir(run.tiny.runFolder)).rejects.toMatchObject({ code: 'ENOENT' });
    const coordinator = await run.coordinate({ nats: { url: broker } });
    expect(coordinator.address).not.toBe('');
  });

  it('names a busy port', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    run.defer({ [Symbol.asyncDispose]: () => new Promise((resolve) => blocker.close(() => resolve())) });
    const { port } = blocker.address() as AddressInfo;
    const settings = run.tiny.config().coordinator;
    await expect(run.coordinate({ coordinator: { ...settings, port } })).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: expect.stringContaining(String(port)),
    });
    await expect(run.coordinate({ coordinator: { ...settings, httpPort: port } })).rejects.toMatchObject({
      code: 'PORT_BUSY',
    });
    const coordinator = await run.coordinate();
    expect(coordinator.address).not.toBe('');
  });

  it('says how to get a broker when none answers', async () => {
    await run.broker.kill();
    await expect(run.coordinate()).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1.*nats-server -js.*--nats/),
    });
  });

  it('says that a login is refused, or that a user may not do enough, and not to start a broker', async () => {
    const closed = await startBroker({ login: { user: 'facet', password: 'right' } });
    run.defer(closed);
    await expect(run.coordinate({ nats: { url: closed.url.replace('right', 'wrong') } })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(/refuses the login.*correct user and password/),
    });
    const narrow = await startBroker({
      login: { user: 'facet', password: 'right', permissions: { subscribe: ['x'] } },
    });
    run.defer(narrow);
    await expect(run.coordinate({ nats: { url: narrow.url } })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(
        /does not permit this user to subscribe to _INBOX.*allow the user to subscribe to it/,
      ),
    });
  });

  it('says what a broker without JetStream lacks', async () => {
    const bare = await startBroker({ jetStream: false });
    run.defer(bare);
    await expect(run.coordinate({ nats: { url: bare.url } })).rejects.toMatchObject({
      code: 'BROKER_NO_JETSTREAM',
      message: expect.stringContaining('nats-server -js'),
    });
  });

  it('refuses a micro-batch that the broker would not carry', async () => {
    const small = await startBroker({ maxPayload: 2_000 });
    run.defer(small);
    await expect(run.coordinate({ nats: { url: small.url } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/3208 bytes.*2000.*batch\.micro/),
    });
    const local = await run.coordinate({ nats: { url: small.url }, data: 'local' });
    expect(local.address).not.toBe('');
  });

  it('keeps runs apart: existing, missing, locked, changed', async () => {
    await expect(run.coordinate({}, 'resume')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    const first = await run.coordinate();
    await expect(run.coordinate({}, 'resume')).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining(String(process.pid)),
    });
    await first.close();
    await expect(run.coordinate()).rejects.toMatchObject({
      code: 'RUN_EXISTS',
      message: expect.stringContaining('facet resume tiny'),
    });
    await expect(run.coordinate({ seed: 5 }, 'resume')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('seed was 1, is 5'),
    });
  });

  it('goes on with a run that was extended, records that before any step, and stores it', async () => {
    const first = await run.coordinate();
    await run.addWorker(first, 'a');
    await run.addWorker(first, 'b');
    const before = await first.done;
    const { epochs } = run.tiny.config();
    const change = { afterStep: before.steps, epochs: { from: epochs, to: epochs + 1 }, schedule: 'hold' as const };
    const extended = { epochs: epochs + 1, changes: [change] };

    const second = await run.coordinate(extended, 'resume');
    await run.addWorker(second, 'c');
    await run.addWorker(second, 'd');
    const after = await second.done;
    expect(after).toMatchObject({ outcome: 'finished', epochs: epochs + 1, ledger: { clean: true } });
    expect(after.steps).toBeGreaterThan(before.steps);
    const records = await run.readLedger();
    const at = records.findIndex(({ kind }) => kind === 'change');
    expect(records[at]).toMatchObject({ kind: 'change', ...change });
    expect(records.slice(0, at).filter(({ kind }) => kind === 'commit')).toHaveLength(before.steps);
    const stored = JSON.parse(await readFile(join(run.tiny.runFolder, 'config.json'), 'utf8')) as unknown;
    expect(stored).toMatchObject(extended);

    // The ledger has the last word.
    await expect(run.coordinate({}, 'resume')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`from step ${before.steps + 1} on other values hold`),
    });
    const late = { afterStep: 1, optimizer: { clipNorm: { from: 1, to: 2 } } };
    await expect(run.coordinate({ ...extended, changes: [change, late] }, 'resume')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`holds from step 2 on, but step ${after.steps} is committed`),
    });
  });

  it('ends with the epoch whose evaluation meets a rule; nothing of the next one was begun, and it can be begun later', async () => {
    const rules = { epochs: 3, stopWhen: ['loss<1000'] };
    const first = await run.coordinate(rules);
    const workers = [await run.addWorker(first, 'a'), await run.addWorker(first, 'b')];
    const early = await first.done;
    expect(early).toMatchObject({ outcome: 'finished', epochs: 1, steps: 4, ledger: { clean: true, expected: 64 } });
    expect(early.earlyEnd).toMatch(/^loss<1000: loss is .* after epoch 1$/);
    const begun = workers.flatMap(({ consumed }) => consumed).filter(({ kind, step }) => kind === 'train' && step > 4);
    expect(begun).toEqual([]);
    const [change] = ofKind(await run.readLedger(), 'change');
    expect(change).toMatchObject({ afterStep: 4, epochs: { from: 3, to: 1 }, reason: early.earlyEnd });

    const { kind: _, at: __, ...ended } = change!;
    const again = await run.coordinate({ ...rules, epochs: 1, changes: [ended] }, 'resume');
    expect(await again.done).toMatchObject({ epochs: 1, steps: 4, earlyEnd: early.earlyEnd });

    // As a standby that was configured before the end was decided.
    const standby = await run.coordinate(rules, 'resume');
    expect(await standby.done).toMatchObject({ epochs: 1, steps: 4, earlyEnd: early.earlyEnd });

    const extension = { afterStep: 4, epochs: { from: 1, to: 2 } };
    const second = await run.coordinate({ ...rules, epochs: 2, changes: [ended, extension] }, 'resume');
    await run.addWorker(second, 'c');
    await run.addWorker(second, 'd');
    expect(await second.done).toMatchObject({ epochs: 2, steps: 8, earlyEnd: undefined, ledger: { clean: true } });
  });

  it('decides when it starts if the coordinator before it had no time to', async () => {
    const first = await run.coordinate();
    await run.addWorker(first, 'a');
    await run.addWorker(first, 'b');
    await first.done;
    const { runFolder } = run.tiny;
    const lines = (await readFile(join(runFolder, 'ledger.jsonl'), 'utf8')).split('\n');
    const evaluated = lines.findIndex((line) => line.includes('"kind":"evaluation"'));
    await writeFile(join(runFolder, 'ledger.jsonl'), `${lines.slice(0, evaluated + 1).join('\n')}\n`);
    for (const name of await readdir(join(runFolder, 'checkpoints'))) {
      if (name.includes('8')) await rm(join(runFolder, 'checkpoints', name), { recursive: true });
    }
    const second = await run.coordinate({ stopWhen: ['loss<1000'] }, 'resume');
    expect(await second.done).toMatchObject({ outcome: 'finished', epochs: 1, steps: 4, ledger: { clean: true } });
    expect(ofKind(await run.readLedger(), 'change')).toMatchObject([{ afterStep: 4, epochs: { from: 2, to: 1 } }]);
  });

  it('fails when too few workers come, and names how many', async () => {
    const coordinator = await run.coordinate({
      workers: { count: 3, min: 2, max: 8 },
      timeouts: { heartbeatMs: 1_500, stepMs: 1_000, gatherMs: 2_000 },
    });
    await run.addWorker(coordinator, 'a');
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'failed', code: 'PEER_UNAVAILABLE', steps: 0 });
    expect(result.message).toContain('1 workers were ready within 2000 ms, expected at least 2');
  });
});

describe('what others can see', () => {
  it('serves status, discovery and clean metrics', async (context) => {
    const coordinator = await run.coordinate();
    const isHeld = createGate();
    const release = createGate();
    const hold = async (_worker: FakeWorker, { step }: WorkItem): Promise<void> => {
      if (step !== 6) return;
      isHeld.open();
      await release.opened;
    };
    await run.addWorker(coordinator, 'a', { beforeWork: hold, hello: { metricsUrl: 'http://127.0.0.1:9100/metrics' } });
    await run.addWorker(coordinator, 'b', {
      beforeWork: hold,
      hello: { metricsUrl: 'http://169.254.169.254/metrics' },
    });
    await isHeld.opened;

    expect(JSON.parse(await pageOf(coordinator, '/status'))).toMatchObject({
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
    expect(JSON.parse(await pageOf(coordinator, '/sd'))).toEqual([
      { targets: [new URL(coordinator.httpUrl).host], labels: { role: 'coordinator', __scheme__: 'http' } },
      {
        targets: ['127.0.0.1:9100'],
        labels: { role: 'worker', worker: 'a', __metrics_path__: '/metrics', __scheme__: 'http' },
      },
    ]);
    const metrics = await pageOf(coordinator, '/metrics');
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
