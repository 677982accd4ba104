import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampleFacts } from '@facet/shared';
import { SHAPES, THROWS, untrained } from '../../test/untrained-model.js';
import { EXPORT_FORMATS, type ExportFormat } from './export-format.js';
import { exportTask, type TaskExportOptions } from './export-task.js';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-export-task-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function options(example: string, samples: SampleFacts, format: ExportFormat): Promise<TaskExportOptions> {
  return {
    model: await untrained(example, samples),
    origin: { run: 'demo', step: 3, weightsSha256: 'ab'.repeat(32), classes: samples.classes },
    runFile: () => Promise.resolve('{}\n'),
    ...{ format, batch: 2, existing: 'refuse', data: undefined },
    folder: path.join(root, `${example}-${format}`),
  };
}

describe.each(EXPORT_FORMATS)('a task exported as %s', (format) => {
  it('answers as its checkpoint does, and says what goes in', async () => {
    const asked = await options('layers-cnn', SHAPES, format);
    const { files, check } = await exportTask(asked);
    expect(check).toMatchObject({ isWithinTolerance: true, images: 16, source: 'random samples' });
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['config.json', 'labels.json', 'README.md']));
    const readme = await readFile(path.join(asked.folder, 'README.md'), 'utf8');
    expect(readme).toContain('- `image`: float32 [2, 32, 32, 3], bytes divided by 255');
    const config: unknown = JSON.parse(await readFile(path.join(asked.folder, 'config.json'), 'utf8'));
    expect(config).toEqual({
      ...{ task: 'shapes', run: 'demo', step: 3, weightsSha256: 'ab'.repeat(32), classes: SHAPES.classes },
      inputs: [{ name: 'image', type: 'float32', shape: [2, 32, 32, 3], field: 'uint8', dividedBy: 255 }],
      outputs: ['logits', 'probabilities'].map((name) => ({ name, shape: [2, 4] })),
    });
    expect(JSON.parse(await readFile(path.join(asked.folder, 'labels.json'), 'utf8'))).toEqual(SHAPES.classes);
    await expect(exportTask(asked), 'a folder that holds something').rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  it('names the columns of a table, and has no classes where there are none', async () => {
    const asked = await options('regression', THROWS, format);
    const { files, check } = await exportTask(asked);
    expect(check).toMatchObject({ isWithinTolerance: true, probabilityDeviation: 0 });
    expect(files.map(({ name }) => name)).not.toContain('labels.json');
    expect(await readFile(path.join(asked.folder, 'README.md'), 'utf8')).toContain(
      '- `features`: float32 [2, 4], the columns speed, angle, mass, diameter',
    );
  });
});

it('keeps fields and classes in the ONNX file', async () => {
  const asked = await options('layers-cnn', SHAPES, 'onnx');
  await exportTask({ ...asked, existing: 'replace' });
  const bytes = await readFile(path.join(asked.folder, 'model.onnx'));
  for (const text of ['"dividedBy":255', JSON.stringify(SHAPES.classes), 'conv2d_1/kernel']) {
    expect(bytes.includes(text), text).toBe(true);
  }
});

it('notices weights that another program changed', async () => {
  const asked = await options('regression', THROWS, 'safetensors');
  // Between writing and checking: run.json is asked for when the weights are encoded.
  const runFile = (file: Uint8Array): Promise<string> => {
    new DataView(file.buffer, file.byteOffset).setFloat32(file.length - 4, 1_000, true);
    return Promise.resolve('{}\n');
  };
  const { check } = await exportTask({ ...asked, existing: 'replace', runFile });
  expect(check.isWithinTolerance).toBe(false);
});
