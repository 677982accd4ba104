/** A run whose disk is full for a while: what it must go on without, what it must stop for, and that it can be resumed. */
import { OPERATION_DEFAULTS } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun, ofKind, pageOf, statusOf } from '../../test/coordinated-run.js';
import type { FaultyDisk } from '../../../storage/test/faulty-disk.js';
import type { FakeWorkerOptions } from '../../test/fake-worker.js';

const { disk } = vi.hoisted(() => ({ disk: { current: undefined as FaultyDisk | undefined } }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const { FaultyDisk } = await import('../../../storage/test/faulty-disk.js');
  disk.current = new FaultyDisk();
  return disk.current.over(await importOriginal());
});

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(async () => {
  disk.current!.heal();
  await run[Symbol.asyncDispose]();
});

const workers = { count: 1, min: 1, max: 4 };
const isFull = { kind: 'error', code: 'ENOSPC' } as const;

describe('a full disk', () => {
  it('costs checkpoints, which status and metrics tell, and the training goes on', async () => {
    const coordinator = await run.coordinate({
      workers,
      checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 3 },
    });
    const seen: string[] = [];
    const beforeWork: FakeWorkerOptions['beforeWork'] = async (_worker, { kind, step }) => {
      if (kind !== 'train') return;
      if (step === 2) disk.current!.arm({ fault: isFull, path: 'checkpoints' });
      if (step !== 5) return;
      await vi.waitUntil(async () => (await pageOf(coordinator, '/status')).includes('ENOSPC'), {
        timeout: 10_000,
        interval: 5,
      });
      seen.push(await pageOf(coordinator, '/status'), await pageOf(coordinator, '/metrics'));
      disk.current!.heal();
    };
    await run.addWorker(coordinator, 'a', { beforeWork });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, faults: 0 });
    expect(result.checkpoint).toMatch(/step-000000008$/);
    const [status = '', metrics = ''] = seen;
    expect(JSON.parse(status)).toMatchObject({
      checkpointFailure: expect.stringMatching(/^step \d: cannot write checkpoint .*ENOSPC.*free space/) as string,
    });
    expect(metrics).toMatch(/^facet_coordinator_checkpoint_failures_total [1-9]/m);
  });

  it('never leads to a result that says more than the ledger, or of another model than its checkpoint', async () => {
    const coordinator = await run.coordinate({
      workers,
      checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 100, keep: 3 },
    });
    await run.addWorker(coordinator, 'a', {
      // The checkpoint of the first epoch stands; from the last step on nothing can be written.
      beforeWork: async (_worker, { kind, step }) => {
        if (kind !== 'train' || step !== 8) return;
        const isTaken = async (): Promise<boolean> => (await statusOf(coordinator)).checkpointStep === 4;
        await vi.waitUntil(isTaken, { timeout: 10_000, interval: 5 });
        disk.current!.arm({ fault: isFull, path: run.tiny.runFolder });
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({
      outcome: 'failed',
      checkpointStep: 4,
      testAccuracy: 0.75,
      ledger: { clean: false, expected: 128, committed: 112, missing: 16 },
    });
    expect(result.checkpoint).toMatch(/step-000000004$/);
  });

  it('stops a run whose ledger cannot be written, with what to do, and a resume goes on', async () => {
    const coordinator = await run.coordinate({
      workers,
      checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2, keep: 3 },
    });
    await run.addWorker(coordinator, 'a', {
      beforeWork: (_worker, { kind, step }) => {
        if (kind === 'train' && step === 4) disk.current!.arm({ fault: isFull, path: 'ledger.jsonl' });
      },
    });
    const stopped = await coordinator.done;
    expect(stopped).toMatchObject({ outcome: 'failed', code: 'ACCOUNTING' });
    expect(stopped.message).toMatch(/cannot write the ledger .*ENOSPC.*mend the disk, then resume/);

    disk.current!.heal();
    const again = await run.coordinate({ workers }, 'resume');
    await run.addWorker(again, 'b');
    const result = await again.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, ledger: { missing: 0, duplicated: 0 } });
    expect(ofKind(await run.readLedger(), 'commit').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
