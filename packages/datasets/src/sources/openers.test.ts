/** Where a source that a task names looks for its files: the options, then `--data`, relative to it or to the task's folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../test/npy.js';
import { temporaryFolder } from '../../test/fixtures.js';
import { arrays, csv, imageFolder, text, type DataContext, type SourceOpener } from './openers.js';

const TABLE = 'x,label\n1,a\n2,b\n3,a\n4,b\n';

/** A folder of a task, and a folder of `--data` with another table. */
async function places(): Promise<{ readonly taskFolder: string; readonly data: string }> {
  const root = await temporaryFolder();
  const [taskFolder, data] = [path.join(root, 'task'), path.join(root, 'data')];
  await mkdir(taskFolder);
  await mkdir(data);
  await writeFile(path.join(taskFolder, 'table.csv'), TABLE);
  await writeFile(path.join(data, 'table.csv'), TABLE.replaceAll(/^(\d)/gm, '$10'));
  return { taskFolder, data };
}

/** The first number of the field that is no label. */
async function firstOf(opener: SourceOpener, context: DataContext): Promise<number> {
  const source = await opener(context);
  const name = Object.keys(source.fields).find((field) => field !== 'label')!;
  return (await source.read('train', Uint32Array.of(0)))[name]![0]!;
}

describe('a relative path', () => {
  const table = csv({ label: 'label', train: 'table.csv', test: 'table.csv' });

  it('is relative to the folder of --data', async () => {
    const { taskFolder, data } = await places();
    expect(await firstOf(table, { folder: data, taskFolder })).toBe(10);
  });

  it("is relative to the task's folder without --data", async () => {
    const { taskFolder } = await places();
    expect(await firstOf(table, { folder: undefined, taskFolder })).toBe(1);
  });

  it('is taken as it is where it is absolute', async () => {
    const { taskFolder, data } = await places();
    const named = csv({ label: 'label', train: path.join(taskFolder, 'table.csv'), test: 'table.csv' });
    expect(await firstOf(named, { folder: data, taskFolder })).toBe(1);
  });

  it('may be that of one array of several', async () => {
    const { taskFolder, data } = await places();
    for (const [name, bytes] of Object.entries({ 'x.npy': [7, 8], 'label.npy': [0, 1] })) {
      await writeFile(path.join(data, name), encodeNpy([2], Uint8Array.from(bytes)));
    }
    const fields = { x: 'x.npy', label: 'label.npy' };
    const opener = arrays({ train: fields, test: fields, classes: ['a', 'b'] });
    expect(await firstOf(opener, { folder: data, taskFolder })).toBe(7);
  });
});

describe('a source without a place', () => {
  it('is what --data names', async () => {
    const { taskFolder, data } = await places();
    const opener = csv({ label: 'label', testShare: 0.5 });
    const source = await opener({ folder: path.join(data, 'table.csv'), taskFolder });
    expect(source.length('train') + source.length('test')).toBe(4);
  });

  it.each<[string, SourceOpener]>([
    ['imageFolder({ folder })', imageFolder()],
    ['csv({ train })', csv({ label: 'label' })],
    ['text({ train })', text({ length: 8 })],
    ['arrays({ train })', arrays()],
  ])('says that --data is missing, or %s', async (option, opener) => {
    await expect(Promise.resolve().then(() => opener({ folder: undefined, taskFolder: '/' }))).rejects.toMatchObject({
      code: 'DATASET_UNAVAILABLE',
      message: `the task does not say where its samples are; name the place with --data, or in the task with ${option}`,
    });
  });
});

it('reads nothing before it is called', () => {
  expect(() => [imageFolder({ folder: '/nowhere' }), csv({ label: 'x', train: '/nowhere' })]).not.toThrow();
});
