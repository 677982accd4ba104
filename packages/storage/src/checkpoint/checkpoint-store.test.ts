import { createHash } from 'node:crypto';
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors, type CheckpointInfo, type ParameterLayout, type TrainingState } from '@facet/shared';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pruneCheckpoints, writeCheckpoint } from './checkpoint-store.js';
import { newestSoundCheckpoint, readCheckpoint } from './read-checkpoint.js';

const layout: ParameterLayout[] = [
  { name: 'head.bias', shape: [2], offset: 6, length: 2 },
  { name: 'patch.kernel', shape: [2, 3], offset: 0, length: 6 },
];

function stateOf(step: number): TrainingState {
  const values = (shift: number): Float32Array =>
    Float32Array.from({ length: 8 }, (_, i) => Math.fround((i + shift) / 3));
  return { step, weights: values(step), m: values(step + 100), v: values(step + 200) };
}

const infoOf = (step: number): CheckpointInfo => ({
  run: 'demo',
  step,
  epoch: 2,
  config: { seed: 7, model: { depth: [1, 2] }, note: null },
  codeVersion: '0.1.0',
  ledgerStep: step,
  metrics: { testAccuracy: 0.991 },
  at: '2026-03-01T12:00:00.000Z',
});

let folder: string;
const write = (step: number) => writeCheckpoint({ folder, state: stateOf(step), layout, info: infoOf(step) });
const pathOf = (step: number): string => join(folder, `step-${String(step).padStart(9, '0')}`);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function flipByte(file: string, position: number): Promise<void> {
  const bytes = await readFile(file);
  const index = position % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'facet-checkpoint-')), 'checkpoints');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(join(folder, '..'), { recursive: true });
});

const FILES = ['model.safetensors', 'optimizer.safetensors', 'run.json'] as const;

describe('a checkpoint', () => {
  it('gives back state, layout and info, bit for bit', async () => {
    const written = await write(123);
    expect(written.path).toBe(join(folder, 'step-000000123'));
    expect(written.weightsSha256).toBe(sha256(new Uint8Array(stateOf(123).weights.buffer)));
    expect(written.isNew).toBe(true);
    expect(written.seconds).toBeGreaterThan(0);
    const sizes = await Promise.all(FILES.map(async (name) => (await stat(join(written.path, name))).size));
    expect(written.bytes).toBe(sizes.reduce((sum, size) => sum + size));
    expect(await readCheckpoint(written.path)).toEqual({
      path: written.path,
      state: stateOf(123),
      layout,
      info: infoOf(123),
      weightsSha256: written.weightsSha256,
      bytes: written.bytes,
    });
  });

  it('is a folder of three files that any safetensors library can read', async () => {
    const { path, weightsSha256 } = await write(5);
    expect((await readdir(path)).sort()).toEqual(FILES);
    expect(await readdir(folder)).toEqual(['step-000000005']);
    const model = decodeSafetensors(await readFile(join(path, 'model.safetensors')));
    expect(model.tensors.get('head.bias')).toEqual({ shape: [2], values: stateOf(5).weights.slice(6) });
    const optimizer = decodeSafetensors(await readFile(join(path, 'optimizer.safetensors')));
    expect(optimizer.tensors.get('v')).toEqual({ shape: [8], values: stateOf(5).v });
    expect(optimizer.metadata).toEqual({ step: '5' });
    const { sha256: own, ...run } = JSON.parse(await readFile(join(path, 'run.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(own).toBe(sha256(Buffer.from(JSON.stringify(run, null, 2))));
    expect(run).toMatchObject({ ...infoOf(5), version: 1, weightsSha256, layout });
  });

  it('has a file more for the average of the weights, which is read back and vouched for like the others', async () => {
    const ema = Float32Array.from({ length: 8 }, (_, i) => Math.fround(i / 7));
    const { path, bytes } = await writeCheckpoint({ folder, state: { ...stateOf(6), ema }, layout, info: infoOf(6) });
    expect((await readdir(path)).sort()).toEqual(['ema.safetensors', ...FILES]);
    expect(await readCheckpoint(path)).toMatchObject({ state: { ...stateOf(6), ema }, bytes });
    const average = decodeSafetensors(await readFile(join(path, 'ema.safetensors')));
    expect(average.tensors.get('head.bias')).toEqual({ shape: [2], values: ema.slice(6) });
    await flipByte(join(path, 'ema.safetensors'), 200);
    await expect(readCheckpoint(path)).rejects.toThrow(/ema\.safetensors has SHA-256/);
    await rm(join(path, 'ema.safetensors'));
    await expect(readCheckpoint(path)).rejects.toThrow(/ema\.safetensors is missing/);
  });

  it('keeps every bit of any state', async () => {
    const flat = fc.float32Array({ minLength: 8, maxLength: 8 });
    let step = 0;
    await fc.assert(
      fc.asyncProperty(flat, flat, flat, async (weights, m, v) => {
        step += 1;
        const { path } = await writeCheckpoint({ folder, state: { step, weights, m, v }, layout, info: infoOf(step) });
        const { state } = await readCheckpoint(path);
        for (const [actual, expected] of [
          [state.weights, weights],
          [state.m, m],
          [state.v, v],
        ] as const) {
          expect(Buffer.from(actual.buffer)).toEqual(
            Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength),
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it('holds the state of the moment of the call, whatever the caller does with its buffers then', async () => {
    const state = stateOf(1);
    const writing = writeCheckpoint({ folder, state, layout, info: infoOf(1) });
    for (const buffer of [state.weights, state.m, state.v]) buffer.fill(-1);
    expect((await readCheckpoint((await writing).path)).state).toEqual(stateOf(1));
  });

  it('stays as it is when the same step is written again', async () => {
    const first = await write(7);
    const before = await stat(join(first.path, 'run.json'));
    const again = await write(7);
    expect(again).toMatchObject({
      isNew: false,
      path: first.path,
      bytes: first.bytes,
      weightsSha256: first.weightsSha256,
    });
    expect((await stat(join(first.path, 'run.json'))).ino).toBe(before.ino);
    expect(await readdir(folder)).toEqual(['step-000000007']);
  });

  it('is never silently taken for one with other weights', async () => {
    await write(7);
    const state = { ...stateOf(8), step: 7 };
    await expect(writeCheckpoint({ folder, state, layout, info: infoOf(7) })).rejects.toMatchObject({ code: 'DESYNC' });
    expect((await readCheckpoint(pathOf(7))).state).toEqual(stateOf(7));
  });

  it('is replaced when it is damaged', async () => {
    await write(7);
    await flipByte(join(pathOf(7), 'model.safetensors'), 300);
    expect(await write(7)).toMatchObject({ isNew: true });
    expect((await readCheckpoint(pathOf(7))).state).toEqual(stateOf(7));
    expect(await readdir(folder)).toEqual(['step-000000007']);
  });

  it('can be read by many while it is written again', async () => {
    await write(3);
    const readers = Array.from({ length: 8 }, () => readCheckpoint(pathOf(3)));
    const [again, ...read] = await Promise.all([write(3), ...readers]);
    expect(again.isNew).toBe(false);
    for (const { state } of read) expect(state).toEqual(stateOf(3));
  });

  it('leaves nothing behind when the disk refuses', async () => {
    await write(1);
    await using handle = await open(folder, 'r');
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    vi.spyOn(prototype, 'sync').mockRejectedValueOnce(new Error('ENOSPC: no space left'));
    await expect(write(2)).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/cannot write checkpoint .*step-000000002: ENOSPC/),
    });
    expect(await readdir(folder)).toEqual(['step-000000001']);
    expect(await write(2)).toMatchObject({ isNew: true });
  });

  it('is not written from a state that contradicts itself', async () => {
    const state = stateOf(1);
    const refused = (change: Partial<Parameters<typeof writeCheckpoint>[0]>) =>
      expect(writeCheckpoint({ folder, state, layout, info: infoOf(1), ...change })).rejects;
    await refused({ info: infoOf(2) }).toThrow(/info is of step 2, expected 1/);
    await refused({ state: { ...state, v: new Float32Array(7) } }).toThrow(/state's v has 7 values, expected 8/);
    await refused({ layout: layout.slice(1) }).toThrow(/covers 6 values, the flat buffer has 8/);
    await refused({ info: { ...infoOf(1), metrics: { loss: Number.NaN } } }).toThrow(/metrics\.loss/);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });
});

describe('a damaged checkpoint', () => {
  it.each(FILES)('is found by the flip of any byte of %s, and the one before it is used', async (name) => {
    await write(1);
    await write(2);
    const file = join(pathOf(2), name);
    const sound = await readFile(file);
    const positions = Array.from({ length: 24 }, (_, i) => Math.floor((i * (sound.length - 1)) / 23));
    for (const position of positions) {
      await flipByte(file, position);
      const { checkpoint, skipped } = await newestSoundCheckpoint(folder);
      expect(checkpoint?.state).toEqual(stateOf(1));
      expect(skipped).toEqual([{ path: pathOf(2), reason: expect.stringContaining(name) }]);
      await writeFile(file, sound);
    }
    expect(await newestSoundCheckpoint(folder)).toMatchObject({ checkpoint: { path: pathOf(2) }, skipped: [] });
  });

  it.each(FILES)('is found when %s is missing or cut short', async (name) => {
    await write(1);
    const file = join(pathOf(1), name);
    await truncate(file, 100);
    const invalid = { code: 'CHECKPOINT_INVALID', message: expect.stringContaining(name) };
    await expect(readCheckpoint(pathOf(1))).rejects.toMatchObject(invalid);
    await rm(file);
    await expect(readCheckpoint(pathOf(1))).rejects.toMatchObject(invalid);
    await expect(readCheckpoint(pathOf(1))).rejects.toThrow(/is missing/);
    expect(await newestSoundCheckpoint(folder)).toMatchObject({
      checkpoint: undefined,
      skipped: [{ path: pathOf(1) }],
    });
  });

  it('is named with the actual and the expected hash', async () => {
    await write(1);
    const file = join(pathOf(1), 'optimizer.safetensors');
    const expected = sha256(await readFile(file));
    await flipByte(file, 150);
    const actual = sha256(await readFile(file));
    await expect(readCheckpoint(pathOf(1))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining(`optimizer.safetensors has SHA-256 ${actual}, expected ${expected}`),
    });
  });

  it('is one whose folder has another step in its name', async () => {
    await write(1);
    await rename(pathOf(1), pathOf(9));
    await expect(readCheckpoint(pathOf(9))).rejects.toThrow(/is of step 1, expected 9/);
    await rename(pathOf(9), join(folder, 'exported'));
    expect((await readCheckpoint(join(folder, 'exported'))).state).toEqual(stateOf(1));
  });
});

describe('newestSoundCheckpoint', () => {
  it('finds none where there is none', async () => {
    expect(await newestSoundCheckpoint(folder)).toEqual({ checkpoint: undefined, skipped: [] });
  });

  it('goes by number, past nine digits too, and ignores temporary and strange names', async () => {
    for (const step of [999_999_999, 1_000_000_000, 5]) await write(step);
    await mkdir(join(folder, '.tmp-step-2000000000-1-1'));
    await mkdir(join(folder, 'step-9'));
    expect(await newestSoundCheckpoint(folder)).toMatchObject({
      checkpoint: { state: { step: 1_000_000_000 } },
      skipped: [],
    });
  });

  it('does not fall back behind a checkpoint of another version, nor replace it', async () => {
    await write(1);
    await write(2);
    const file = join(pathOf(2), 'run.json');
    const { sha256: _, ...run } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const body = JSON.stringify({ ...run, version: 2 }, null, 2);
    await writeFile(file, `${body.slice(0, -2)},\n  "sha256": "${sha256(Buffer.from(body))}"\n}\n`);
    const incompatible = { code: 'CHECKPOINT_INCOMPATIBLE', message: expect.stringContaining('version') };
    await expect(newestSoundCheckpoint(folder)).rejects.toMatchObject(incompatible);
    await expect(write(2)).rejects.toMatchObject(incompatible);
  });
});

describe('pruneCheckpoints', () => {
  it('keeps the newest and the best, and removes what interrupted writes left', async () => {
    for (const step of [1, 2, 3, 4, 5]) await write(step);
    const leftover = join(folder, '.tmp-step-000000006-1-1');
    await mkdir(leftover);
    await writeFile(join(leftover, 'model.safetensors'), 'half');
    const { removed } = await pruneCheckpoints({ folder, keep: 2, bestStep: 2 });
    expect([...removed].sort()).toEqual([leftover, pathOf(1), pathOf(3)]);
    expect((await readdir(folder)).sort()).toEqual([2, 4, 5].map((step) => `step-00000000${step}`));
    expect(await pruneCheckpoints({ folder, keep: 2, bestStep: 2 })).toEqual({ removed: [] });
  });

  it('leaves a checkpoint alone that is being written', async () => {
    await write(1);
    await using handle = await open(folder, 'r');
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    // Prune in the middle of the write: at the sync of its first file.
    const sync = vi.spyOn(prototype, 'sync').mockImplementationOnce(async () => {
      expect((await readdir(folder)).filter((name) => name.startsWith('.tmp-'))).toHaveLength(1);
      expect(await pruneCheckpoints({ folder, keep: 1 })).toEqual({ removed: [] });
    });
    const { path } = await write(2);
    expect(sync).toHaveBeenCalled();
    expect((await readCheckpoint(path)).state).toEqual(stateOf(2));
  });

  it('does nothing where there is no folder, and refuses to keep none', async () => {
    expect(await pruneCheckpoints({ folder, keep: 1 })).toEqual({ removed: [] });
    await expect(pruneCheckpoints({ folder, keep: 0 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
