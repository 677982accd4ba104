/** What is left of checkpoints when the disk refuses, or the process dies, at any call of a write. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointInfo, ParameterLayout, TrainingState } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, type DiskFault, type FaultyDisk } from '../../test/faulty-disk.js';
import { pruneCheckpoints, writeCheckpoint } from './checkpoint-store.js';
import { newestSoundCheckpoint } from './read-checkpoint.js';

const { disk } = vi.hoisted(() => ({ disk: { current: undefined as FaultyDisk | undefined } }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const { FaultyDisk } = await import('../../test/faulty-disk.js');
  disk.current = new FaultyDisk();
  return disk.current.over(await importOriginal());
});

const layout: ParameterLayout[] = [{ name: 'kernel', shape: [3], offset: 0, length: 3 }];
const stateOf = (step: number): TrainingState => ({
  step,
  weights: Float32Array.of(step, step / 3, 1),
  m: new Float32Array(3).fill(step),
  v: new Float32Array(3).fill(1),
});
const infoOf = (step: number): CheckpointInfo => ({
  run: 'demo',
  step,
  epoch: 0,
  config: {},
  codeVersion: '0.1.0',
  ledgerStep: step,
  metrics: {},
  at: '2026-03-01T12:00:00.000Z',
});

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'facet-disk-'));
});

afterEach(async () => {
  disk.current!.heal();
  await rm(root, { recursive: true });
});

/** Writes a checkpoint and removes the one before. */
async function take(step: number): Promise<void> {
  await writeCheckpoint({ folder, state: stateOf(step), layout, info: infoOf(step) });
  await pruneCheckpoints({ folder, keep: 1 });
}

/** Takes step 1 in peace and step 2 under a fault, then says what is found. */
async function takeUnder(
  fault: DiskFault,
  at: number,
): Promise<{ calls: number; failure: Error | undefined; found: unknown }> {
  folder = join(root, `${fault.kind}-${at}`, 'checkpoints');
  await take(1);
  disk.current!.arm({ fault, at, path: folder });
  const failure = await take(2).then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  const calls = disk.current!.calls.length;
  disk.current!.heal();
  const { checkpoint, skipped } = await newestSoundCheckpoint(folder);
  expect(skipped).toEqual([]);
  return { calls, failure, found: checkpoint?.state };
}

/** Whatever happened, the next write succeeds and nothing else stays. */
async function expectMended(): Promise<void> {
  await take(2);
  expect(await readdir(folder)).toEqual(['step-000000002']);
  expect((await newestSoundCheckpoint(folder)).checkpoint?.state).toEqual(stateOf(2));
}

// Hundreds of calls, which a busy disk takes long for.
describe('a checkpoint under a disk that fails', { timeout: 180_000 }, () => {
  it.each(['kill', 'torn', 'power-cut'] as const)(
    'is there whole or not at all after a %s at any call, and the one before is not lost',
    async (kind) => {
      const found: unknown[] = [];
      for (let at = 0, end = Infinity; at <= end; at++) {
        const seen = await takeUnder({ kind }, at);
        // The fault that comes after the last call does not come.
        if (seen.failure === undefined) end = at;
        expect([stateOf(1), stateOf(2)]).toContainEqual(seen.found);
        found.push(seen.found);
        await expectMended();
      }
      expect(found.length).toBeGreaterThan(15);
      expect(found[0]).toEqual(stateOf(1));
      expect(found.at(-1)).toEqual(stateOf(2));
    },
  );

  it.each(ERROR_CODES)('names the checkpoint and what to do at %s, and harms nothing that stands', async (code) => {
    for (let at = 0, end = Infinity; at <= end; at++) {
      const { failure, found } = await takeUnder({ kind: 'error', code }, at);
      if (failure === undefined) end = at;
      else expect(String(failure)).toContain(code);
      if (String(failure).includes('cannot write checkpoint')) {
        expect(String(failure)).toMatch(/step-000000002.*free space or mend the rights of the folder/);
      }
      expect([stateOf(1), stateOf(2)]).toContainEqual(found);
      await expectMended();
    }
  });
});
