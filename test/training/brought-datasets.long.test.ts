/**
 * Datasets that the user brings, trained by the real command: every sample is committed once, and the class names follow the
 * model into the evaluation, the prediction and the export.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';
import { encodePng } from '../testkit/png.js';

const TRAIN = 240;
const TEST = 40;
const CPU = ['--engine', 'onnxruntime', '--device', 'cpu', '--json'];
const IMAGE = { height: 28, width: 28 };

/** Class 7 is a bright bar at the bottom, class 1 one at the top; of 28x28 pixels. */
function bar(label: 1 | 7): Uint8Array {
  return Uint8Array.from({ length: 784 }, (_, i) => ((label === 7 ? i >= 560 : i < 224) ? 220 : 10));
}

const labelOf = (i: number): 1 | 7 => (i % 2 === 0 ? 7 : 1);

function idx(dimensions: readonly number[], content: Buffer): Buffer {
  const header = Buffer.from([
    0,
    0,
    8,
    dimensions.length,
    ...dimensions.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]),
  ]);
  return Buffer.concat([header, content]);
}

async function writeFashion(folder: string): Promise<void> {
  await mkdir(folder);
  for (const [split, count] of [
    ['train', TRAIN],
    ['t10k', TEST],
  ] as const) {
    const labels = Array.from({ length: count }, (_, i) => labelOf(i));
    const images = idx([count, 28, 28], Buffer.concat(labels.map(bar)));
    await writeFile(path.join(folder, `${split}-images-idx3-ubyte.gz`), gzipSync(images));
    await writeFile(path.join(folder, `${split}-labels.idx1-ubyte`), idx([count], Buffer.from(labels)));
  }
}

async function writeCifar100(folder: string): Promise<void> {
  await mkdir(folder);
  for (const [name, count] of [
    ['train', 64],
    ['test', 16],
  ] as const) {
    const rows = Array.from({ length: count }, (_, i) => Buffer.from([i % 20, 99 - i, ...Buffer.alloc(3_072, i * 3)]));
    await writeFile(path.join(folder, `${name}.bin`), Buffer.concat(rows));
  }
}

async function trained(workspace: Workspace, workers: number, args: readonly string[]): Promise<void> {
  const result = await workspace.run(['up', ...args, ...CPU, '--workers', String(workers)]);
  expect(result.code, result.stderr).toBe(0);
  const { ledger } = parseJson(result);
  expect(ledger).toMatchObject({ missing: 0, duplicated: 0, committed: ledger.expected });
  const checked = await workspace.run(['ledger', 'check', args[args.indexOf('--run') + 1]!]);
  expect(checked.code, checked.stdout + checked.stderr).toBe(0);
}

it('Fashion-MNIST from a folder of IDX files', { timeout: 240_000 }, async () => {
  await using workspace = await openWorkspace();
  const folder = path.join(workspace.folder, 'fashion');
  await writeFashion(folder);
  await trained(workspace, 2, [
    '--dataset',
    'fashion-mnist',
    '--data-folder',
    folder,
    '--run',
    'clothes',
    '--epochs',
    '12',
  ]);

  const evaluated = await workspace.run(['evaluate', 'clothes']);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect(evaluated.stdout).toMatch(/^Sneaker +100\.00 %/m);

  const picture = path.join(workspace.folder, 'shoe.png');
  await writeFile(picture, encodePng({ ...IMAGE, pixels: bar(7) }));
  const predicted = await workspace.run(['predict', picture, '--run', 'clothes']);
  expect(predicted.code, predicted.stderr).toBe(0);
  expect(predicted.stdout).toMatch(/shoe\.png\s+Sneaker/);

  const out = path.join(workspace.folder, 'exported');
  const exported = await workspace.run(['export', 'clothes', '--format', 'onnx', '--out', out]);
  expect(exported.code, exported.stderr).toBe(0);
  const names = JSON.parse(await readFile(path.join(out, 'labels.json'), 'utf8')) as string[];
  expect([names.length, names[7], names[9]]).toEqual([10, 'Sneaker', 'Ankle boot']);
});

it('CIFAR-100 from its binary files', { timeout: 240_000 }, async () => {
  await using workspace = await openWorkspace();
  const folder = path.join(workspace.folder, 'cifar100');
  await writeCifar100(folder);
  const up = ['--dataset', 'cifar100', '--data-folder', folder, '--run', 'things', '--epochs', '1'];
  await trained(workspace, 1, up);
  const evaluated = await workspace.run(['evaluate', 'things', '--json']);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  const { classes } = parseJson(evaluated) as unknown as { classes: readonly string[] };
  expect([classes.length, classes[0], classes[99]]).toEqual([100, 'apple', 'worm']);
});

it('is refused before anything starts when no folder is named', async () => {
  await using workspace = await openWorkspace();
  const refused = await workspace.run(['up', '--dataset', 'kmnist', '--run', 'kana']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    'kmnist does not come with Facet, expected a folder with the four IDX files of KMNIST',
  );
});
