import { PassSigner, systemClock, TrainingError, type TrainingState } from '@facet/shared';
import { createLogger } from '@facet/telemetry';
import { describe, expect, it, vi } from 'vitest';
import { Checkpointer, type CheckpointIo } from './checkpointer.js';

const state: TrainingState = {
  step: 2,
  weights: Float32Array.of(1, 2),
  m: new Float32Array(2),
  v: new Float32Array(2),
};
const layout = [{ name: 'w', shape: [2], offset: 0, length: 2 }];

/** A checkpointer over a ledger that becomes durable when the test says so. */
function openCheckpointer(committed: Promise<boolean>) {
  const disk = { isFull: false };
  const written: number[] = [];
  let failures = 0;
  const io: CheckpointIo = {
    pull: async () => ({ ...state, weightsCrc: 1, momentsCrc: 2 }),
    write: async ({ state: { step } }) => {
      if (disk.isFull) throw new TrainingError('INTERNAL', 'cannot write checkpoint: ENOSPC');
      written.push(step);
      return { path: '/nowhere', weightsSha256: 'aa', bytes: 1, seconds: 0, isNew: true };
    },
    read: async () => ({ state }),
    prune: async () => ({ removed: [] }),
  };
  const checkpointer = new Checkpointer({
    io,
    folder: '/nowhere',
    keep: 1,
    run: 'tiny',
    passes: new PassSigner(Buffer.alloc(32)),
    hasAverage: false,
    pullTimeoutMs: 1_000,
    clock: systemClock,
    recorder: { append: async () => true, settled: () => committed },
    metrics: {
      checkpointSeconds: { observe: () => undefined } as never,
      checkpointFailures: { inc: () => (failures += 1) } as never,
    },
    log: createLogger('test', 'silent'),
    latest: undefined,
    layout: () => layout,
    momentsCrcOf: () => 2,
    describe: () => ({ epoch: 0 }) as never,
    bestStep: () => undefined,
    onTaken: () => undefined,
    onDesync: () => undefined,
  });
  return { checkpointer, written, disk, failures: () => failures };
}

const request = { workerId: 'w', address: '127.0.0.1:1', held: { step: 2, weightsCrc: 1 } };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a checkpoint', () => {
  it('is written only when the commit of its step is on disk, so that no ledger ends before a checkpoint of its run', async () => {
    let makeDurable: (isDurable: boolean) => void = () => undefined;
    const { checkpointer, written } = openCheckpointer(new Promise((resolve) => (makeDurable = resolve)));
    const taken = checkpointer.takeAwaited(request);
    await turn();
    expect(written).toEqual([]);
    makeDurable(true);
    await taken;
    expect(written).toEqual([2]);
  });

  it('that cannot be written is told until one can, and stops nothing', async () => {
    const { checkpointer, written, disk, failures } = openCheckpointer(Promise.resolve(true));
    disk.isFull = true;
    checkpointer.takePeriodic(request);
    await vi.waitUntil(() => checkpointer.failure !== undefined);
    expect(checkpointer.failure).toBe('step 2: cannot write checkpoint: ENOSPC; the run has no checkpoint');
    expect(failures()).toBe(1);
    disk.isFull = false;
    checkpointer.takePeriodic(request);
    await vi.waitUntil(() => written.length === 1 && checkpointer.failure === undefined);
    expect(failures()).toBe(1);
  });

  it('is not written when the ledger cannot be', async () => {
    const { checkpointer, written } = openCheckpointer(Promise.resolve(false));
    await expect(checkpointer.takeAwaited(request)).rejects.toMatchObject({ code: 'ACCOUNTING' });
    expect(written).toEqual([]);
  });
});
