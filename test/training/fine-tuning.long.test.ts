/**
 * A run that starts from the weights of another: what it takes, what it leaves alone, and that nobody trains it from others.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '@facet/shared';
import { MNIST_ON_CPU, openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';

const MODEL = fileURLToPath(new URL('../../models/mnist-fast', import.meta.url));
const SMALL = [
  ...MNIST_ON_CPU,
  ...['--epochs', '1', '--set', 'samples.train=640', '--set', 'samples.test=1000', '--set', 'checkpoint.everySteps=2'],
];

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
});

const folderOf = (run: string): string => path.join(workspace.runs, run);

async function train(...args: readonly string[]) {
  const result = await workspace.run([...args, '--json']);
  expect(result.code, result.stderr).toBe(0);
  return { ...parseJson(result), stderr: result.stderr };
}

async function tensorsIn(folder: string) {
  return decodeSafetensors(new Uint8Array(await readFile(path.join(folder, 'model.safetensors')))).tensors;
}

const tune = (run: string, workers: number): Promise<Awaited<ReturnType<typeof train>>> =>
  train(
    ...['up', ...SMALL, '--run', run, '--workers', String(workers), '--from', MODEL, '--freeze', 'stem.*'],
    ...['--set', 'optimizer.peakLearningRate=0.0005'],
  );

describe('a run that starts from a trained model', () => {
  it('knows what that knew, changes no frozen parameter, and gives the same bits for any number of workers', async () => {
    const one = await tune('one', 1);
    expect(one.stderr).toMatch(/note: starting from mnist-fast, step 1407: 43 of 43 parameters are taken/);
    expect(one.stderr).toMatch(/note: 2 of 43 parameters are frozen/);
    // Five steps from the seed give a third of that.
    expect(one.testAccuracy).toBeGreaterThan(0.95);
    const three = await tune('three', 3);
    expect(three.weightsSha256).toBe(one.weightsSha256);

    const before = await tensorsIn(MODEL);
    const after = await tensorsIn((one as unknown as { checkpoint: string }).checkpoint);
    for (const [name, { values }] of before) {
      const isSame = Buffer.from(values.buffer, values.byteOffset, values.byteLength).equals(
        Buffer.from(after.get(name)!.values.buffer, after.get(name)!.values.byteOffset, values.byteLength),
      );
      expect([name, isSame]).toEqual([name, name.startsWith('stem.')]);
    }
  }, 240_000);

  it('goes on from its start when it has no checkpoint, and not from another', async () => {
    const result = await readFile(path.join(folderOf('one'), 'result.json'), 'utf8');
    const { weightsSha256 } = JSON.parse(result) as { weightsSha256: string };
    await rm(path.join(folderOf('three'), 'checkpoints'), { recursive: true });
    const again = await train('resume', 'three', '--workers', '2');
    expect(again).toMatchObject({ weightsSha256, ledger: { clean: true }, faults: 0 });

    await rm(path.join(folderOf('three'), 'checkpoints'), { recursive: true });
    const [step] = await readdir(path.join(folderOf('three'), 'start'));
    await rm(path.join(folderOf('three'), 'start', step!), { recursive: true });
    const lost = await workspace.run(['resume', 'three']);
    expect(lost.code).toBe(2);
    expect(lost.stderr).toMatch(
      /error \[CHECKPOINT_INCOMPATIBLE\]: coordinator: run three starts from weights of mnist-fast, step 1407/,
    );
  }, 240_000);
});

it.each([
  [
    ['--from', MODEL, '--set', 'model.width=32'],
    /CHECKPOINT_INCOMPATIBLE\]: the weights of mnist-fast, step 1407 do not fit: emb/,
  ],
  [['--from', 'nowhere'], /RUN_NOT_FOUND\]/],
  [['--freeze', 'stm.*'], /CONFIG_INVALID\]: freeze: 'stm.\*' fits no parameter, expected one of stem.weight/],
])('%j is refused, and nothing is started', async (args, expected) => {
  const { code, stderr } = await workspace.run(['up', ...SMALL, '--run', 'refused', ...args]);
  expect(stderr).toMatch(expected);
  expect(code).toBe(2);
  expect(existsSync(folderOf('refused'))).toBe(false);
});
