import { rm } from 'node:fs/promises';
import { readCheckpoint } from '@facet/storage';
import { join } from 'node:path';
import { createLogger } from '@facet/telemetry';
import { OPERATION_DEFAULTS, readToken, TOKEN_FILE, type RunConfig } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBroker, type TestBroker } from '../../test/broker.js';
import { pageOf } from '../../test/coordinated-run.js';
import { MeetingPoint, startFakeWorker, type FakeWorker, type FakeWorkerOptions } from '../../test/fake-worker.js';
import { createTinyRun, type TinyRun } from '../../test/tiny-run.js';
import type { Coordinator } from '../coordinator.js';
import { startCoordinator } from '../start-coordinator.js';
import { EngineMix } from './engine-mix.js';

const cpu = { engine: 'onnxruntime', device: 'cpu' };
const webgpu = { engine: 'onnxruntime', device: 'webgpu' };

describe('EngineMix', () => {
  it('has nothing to say about one engine', () => {
    const mix = new EngineMix();
    expect([mix.add(cpu), mix.add(cpu)]).toEqual([false, false]);
    expect(mix).toMatchObject({ engines: ['onnxruntime/cpu'], note: '' });
    expect(mix.desyncAdvice).toMatch(/^check that both run the same engine/);
  });

  it('says once that engines are mixed, and once for every further one', () => {
    const mix = new EngineMix();
    expect([cpu, webgpu, cpu, webgpu, { engine: 'tensorflow', device: 'cpu' }].map((one) => mix.add(one))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(mix.note).toMatch(
      /^mixed engines: onnxruntime\/cpu, onnxruntime\/webgpu, tensorflow\/cpu; the result depends on /,
    );
    expect(mix.desyncAdvice).toContain('onnxruntime/cpu and onnxruntime/webgpu and tensorflow/cpu');
  });

  it('remembers what computed before a resume', () => {
    const mix = new EngineMix({ engines: ['onnxruntime/webgpu'] });
    expect(mix.note).toBe('');
    expect(mix.add(cpu)).toBe(true);
    expect(mix.note).toContain('onnxruntime/webgpu, onnxruntime/cpu');
  });
});

it('EngineMix says once that a resume brought another program, and advises the build of the checkpoint', () => {
  const said: unknown[] = [];
  const warn = (...parts: unknown[]): void => void said.push(parts.at(-1));
  const mix = new EngineMix({ engines: ['onnxruntime/cpu'], programs: ['a'.repeat(64)] });
  mix.noteMember('w', { ...cpu, programSha256: 'a'.repeat(64) }, { warn });
  expect([said, mix.programNote]).toEqual([[], '']);
  mix.noteMember('w', { ...cpu, programSha256: 'b'.repeat(64) }, { warn });
  mix.noteMember('v', { ...cpu, programSha256: 'b'.repeat(64) }, { warn });
  expect(said).toEqual([mix.programNote]);
  expect(mix.programNote).toMatch(/^several programs: aaaaaaaaaaaa, bbbbbbbbbbbb; /);
  expect(mix.programs).toEqual(['a'.repeat(64), 'b'.repeat(64)]);
  expect(mix.desyncAdvice).toContain('with the build of Facet that wrote the checkpoint');
});

describe('a run whose workers compute with different engines', () => {
  let cleanups: AsyncDisposable[];
  let broker: TestBroker;
  let tiny: TinyRun;
  let meeting: MeetingPoint;
  const warnings: string[] = [];
  const log = createLogger('test', 'silent');

  beforeEach(async () => {
    broker = await startBroker();
    tiny = await createTinyRun(broker.url);
    cleanups = [broker, tiny];
    meeting = new MeetingPoint();
    warnings.length = 0;
    vi.spyOn(log, 'warn').mockImplementation((...said: unknown[]) => void warnings.push(String(said.at(-1))));
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
    options: Partial<FakeWorkerOptions>,
  ): Promise<FakeWorker> {
    const token = await readToken(join(tiny.runFolder, TOKEN_FILE));
    const worker = await startFakeWorker({ workerId, address: coordinator.address, token, meeting, ...options });
    cleanups.push(worker);
    return worker;
  }

  const isMixedWarning = (text: string): boolean => text.startsWith('mixed engines: ');

  it('finishes, and says so in the log, the status, the metrics and the result', async () => {
    const coordinator = await coordinate();
    const seen: Promise<[status: string, metrics: string]>[] = [];
    await addWorker(coordinator, 'a', {
      engine: cpu,
      beforeWork: async () => {
        if (seen.length === 0)
          seen.push(Promise.all([pageOf(coordinator, '/status'), pageOf(coordinator, '/metrics')]));
        await seen[0];
      },
    });
    await addWorker(coordinator, 'b', { engine: webgpu });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', faults: 0 });
    expect([...result.engines].sort()).toEqual(['onnxruntime/cpu', 'onnxruntime/webgpu']);
    expect(result.warnings).toEqual([expect.stringMatching(/^mixed engines: /)]);
    expect(warnings.filter(isMixedWarning)).toEqual(result.warnings);
    const [status = '', metrics = ''] = (await seen[0]) ?? [];
    expect(JSON.parse(status)).toMatchObject({ mixedEngines: result.warnings[0] });
    expect(metrics).toContain('facet_coordinator_engines 2');
  });

  it('with one engine for all, says nothing', async () => {
    const coordinator = await coordinate();
    await addWorker(coordinator, 'a', { engine: cpu });
    await addWorker(coordinator, 'b', { engine: cpu });
    expect(await coordinator.done).toMatchObject({ engines: ['onnxruntime/cpu'], warnings: [] });
    expect(warnings.filter(isMixedWarning)).toEqual([]);
  });

  it('ends when a replay gives other bits, and names the engines of before and after the resume', async () => {
    const first = await coordinate({ checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 8 } });
    await addWorker(first, 'a', { engine: cpu });
    await addWorker(first, 'b', { engine: cpu });
    const finished = await first.done;
    await rm(finished.checkpoint!, { recursive: true });

    const second = await coordinate({ workers: { count: 1, min: 1, max: 8 } }, 'resume');
    await addWorker(second, 'c', { engine: webgpu, forge: (done) => ({ ...done, weightsCrc: 0xdead }) });
    const result = await second.done;
    expect(result).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
    expect(result.message).toMatch(
      /^the replay of step \d+ gives other weights: the ledger has .*onnxruntime\/cpu and onnxruntime\/webgpu, whose bits differ/,
    );
  });

  it('says that a resume brought another program, and its checkpoints name both', async () => {
    const [before, after] = ['a'.repeat(64), 'b'.repeat(64)];
    const first = await coordinate({ checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 8 } });
    await addWorker(first, 'a', { programSha256: before });
    await addWorker(first, 'b', { programSha256: before });
    const finished = await first.done;
    expect(finished.warnings).toEqual([]);
    await rm(finished.checkpoint!, { recursive: true });

    const second = await coordinate({ workers: { count: 1, min: 1, max: 8 } }, 'resume');
    await addWorker(second, 'c', { programSha256: after });
    const result = await second.done;
    expect(result).toMatchObject({
      outcome: 'finished',
      warnings: [expect.stringMatching(/^several programs: a{12}, b{12}; /)],
    });
    const { info } = await readCheckpoint(result.checkpoint!);
    expect(info.programs).toEqual([before, after]);
  });

  it('refuses a worker whose engine has no name', async () => {
    const coordinator = await coordinate();
    const worker = await addWorker(coordinator, 'a', { engine: { engine: 'not a name', device: 'cpu' } });
    expect(await worker.ended).toMatchObject({ kind: 'refusal', code: 'CONFIG_INVALID' });
  });
});
