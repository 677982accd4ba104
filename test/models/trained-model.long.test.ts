/**
 * What a user does with a trained model: evaluate, predict, export, by the built command, on a run that was really trained.
 * And what a user does wrong: one message that names the file, exit code 2, nothing written.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../testkit/png.js';
import { openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';

const SET = ['epochs=1', 'samples.train=3200', 'samples.test=200', 'batch.global=64', 'batch.micro=32'];

let workspace: Workspace;
let weightsSha256: string;

beforeAll(async () => {
  workspace = await openWorkspace();
  const settings = SET.flatMap((setting) => ['--set', setting]);
  const trained = await workspace.run([
    'up',
    '--dataset',
    'mnist',
    '--workers',
    '1',
    '--run',
    'demo',
    '--json',
    ...settings,
  ]);
  weightsSha256 = parseJson(trained).weightsSha256;
  await mkdir(path.join(workspace.folder, 'images'));
  await mkdir(path.join(workspace.folder, 'empty'));
  const inFolder = (name: string): string => path.join(workspace.folder, name);
  await writeFile(inFolder('images/black-on-white.png'), encodePng(bar(0, 255)));
  await writeFile(inFolder('images/white-on-black.png'), encodePng(bar(255, 0)));
  await writeFile(inFolder('zero.png'), '');
  await writeFile(inFolder('text.png'), 'no image');
}, 120_000);

afterAll(() => workspace[Symbol.asyncDispose]());

/** A picture of 40x60 grey pixels with an upright bar, which is a 1 to any model that learned anything. */
function bar(ink: number, paper: number) {
  const [width, height] = [40, 60];
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= 17 && x < 23 && y >= 8 && y < 52 ? ink : paper;
  });
  return { width, height, pixels };
}

describe('facet evaluate', () => {
  it('reports calibration, mistakes and test-time augmentation as JSON', async () => {
    const { code, stdout } = await workspace.run(['evaluate', 'demo', '--tta', '--json']);
    expect(code).toBe(0);
    const evaluation = JSON.parse(stdout) as Record<string, unknown>;
    expect(evaluation).toMatchObject({
      run: 'demo',
      weightsSha256,
      samples: 200,
      accuracy: expect.any(Number),
      calibration: {
        expectedCalibrationError: expect.any(Number),
        negativeLogLikelihood: expect.any(Number),
        brierScore: expect.any(Number),
      },
      augmented: { accuracy: expect.any(Number), transforms: ['identity', 'left', 'right', 'up', 'down'] },
    });
    expect(evaluation['topMistakes']).toBeInstanceOf(Array);

    // What is printed stands in the run's folder, with a page that loads nothing.
    const { file, page, warnings, ...document } = evaluation;
    const run = path.join(workspace.runs, 'demo');
    expect([file, page, warnings]).toEqual([path.join(run, 'evaluation.json'), path.join(run, 'evaluation.html'), []]);
    expect(JSON.parse(await readFile(path.join(run, 'evaluation.json'), 'utf8'))).toEqual(document);
    expect(document).toMatchObject({
      training: { steps: 50 },
      inspection: { views: ['identity', 'zoom-in', 'zoom-out'], correspondence: { images: 200 } },
    });
    const html = await readFile(path.join(run, 'evaluation.html'), 'utf8');
    for (const text of ['Evaluation of demo', weightsSha256, 'head 4', 'through zoom-in']) expect(html).toContain(text);
    expect(html).not.toMatch(/https?:|<script|<link/);
    expect(html.match(/<img src="data:image\/png;base64,/g)!.length).toBeGreaterThan(40);
  });
});

describe('facet predict', () => {
  it('takes the newest run and says so, and sees the same in both polarities', async () => {
    const { code, stdout, stderr } = await workspace.run(['predict', 'images']);
    expect(code, stderr).toBe(0);
    expect(stderr).toBe(`using run demo, the newest in ${workspace.runs}; --run names another\n`);
    const rows = stdout.trim().split('\n').slice(2);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/^images\/black-on-white\.png +1 .* 40x60, inverted, centred$/);
    expect(rows[1]).toMatch(/^images\/white-on-black\.png +1 .* 40x60, centred$/);
  });

  it('does what it can, names every file it cannot read, and ends with 2', async () => {
    const paths = ['zero.png', 'images', 'text.png', 'gone.jpg', 'empty'];
    const { code, stdout, stderr } = await workspace.run(['predict', ...paths, '--run', 'demo', '--json']);
    expect(code).toBe(2);
    const { images, failed } = JSON.parse(stdout) as { images: { file: string; ok: boolean }[]; failed: number };
    expect(failed).toBe(4);
    expect(images.map(({ file, ok }) => [file, ok])).toEqual([
      ['zero.png', false],
      ['images/black-on-white.png', true],
      ['images/white-on-black.png', true],
      ['text.png', false],
      ['gone.jpg', false],
      ['empty', false],
    ]);
    expect(stderr.trim().split('\n')).toEqual([
      'error [IMAGE_INVALID]: zero.png: the file is empty, expected a PNG or JPEG image',
      'error [IMAGE_INVALID]: text.png: the file is not an image, expected a PNG or JPEG image',
      'error [IMAGE_INVALID]: gone.jpg: no such file, expected a PNG or JPEG file or a folder of them',
      'error [IMAGE_INVALID]: empty: the folder has no image among its 0 entries, expected .png, .jpg, .jpeg files',
      '4 of 6 images failed',
    ]);
  });
});

describe('facet export', () => {
  it.each([
    ['onnx', 'model.onnx'],
    ['tfjs', 'model.json'],
  ])('writes %s and has run it', { timeout: 60_000 }, (format, file) => expectExport(format, file, format));

  /** Exports into a folder, and looks at what came of it. */
  async function expectExport(format: string, file: string, folder: string): Promise<void> {
    const args = ['export', 'demo', '--format', format, '--out', folder, '--json'];
    const { code, stdout, stderr } = await workspace.run(args);
    expect(code, stderr).toBe(0);
    const exported: unknown = JSON.parse(stdout);
    expect(exported).toMatchObject({ weightsSha256, check: { isWithinTolerance: true, source: 'test split' } });
    expect(await readdir(path.join(workspace.folder, folder))).toContain(file);
    expect(await readFile(path.join(workspace.folder, folder, 'README.md'), 'utf8')).toContain(weightsSha256);
  }

  it('writes safetensors, has run them, and they stand alone as a trained model', { timeout: 60_000 }, async () => {
    await expectExport('safetensors', 'model.safetensors', 'alone');
    const [ofRun, ofExport] = await Promise.all(
      ['demo', './alone'].map(async (name) => parseJson(await workspace.run(['evaluate', name, '--json']))),
    );
    // The folder does not hold how the run got there, and keeps its report itself.
    // Neither does one evaluation have the time of another.
    const { checkpoint, training, file, page, made, ...expected } = ofRun!;
    const alone = path.join(workspace.folder, 'alone');
    expect(ofExport).toMatchObject({ ...expected, checkpoint: alone, training: null });
    expect(ofExport!.file).toBe(path.join(alone, 'evaluation.json'));
    expect(ofExport!.made).toMatchObject({ version: (made as { version: string }).version });
    expect([checkpoint, training, file, page]).not.toContain(null);
  });

  it('overwrites nothing unless it is told to', async () => {
    const args = ['export', 'demo', '--format', 'safetensors', '--out', 'images'];
    const { code, stderr } = await workspace.run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(`error [OUTPUT_EXISTS]: ${path.join(workspace.folder, 'images')} exists and is not empty`);
    expect(await readdir(path.join(workspace.folder, 'images'))).toEqual(['black-on-white.png', 'white-on-black.png']);
  });

  it.each([
    [
      ['--format', 'onxx', '--out', 'new'],
      "--format: 'onxx', expected one of onnx, safetensors, tfjs; did you mean onnx?",
    ],
    [['--format', 'onnx', '--out', 'new', '--batch', '0'], "--batch: '0', expected a whole number from 1 to 4096"],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await workspace.run(['export', 'demo', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(`error [CONFIG_INVALID]: ${message}`);
    expect(existsSync(path.join(workspace.folder, 'new'))).toBe(false);
  });
});
