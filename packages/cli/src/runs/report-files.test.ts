import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportFiles, writeReport } from './report-files.js';

const CONTENT = { document: { accuracy: 0.5 }, page: '<!doctype html>' };
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-report-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('the place of a report', () => {
  const filesOf = (named: string | undefined, checkpoint: string) => {
    const { file, page } = reportFiles('evaluation', { named, checkpoint });
    return [file, page];
  };

  it("is the run's folder, or the folder of a checkpoint that stands alone", async () => {
    const checkpoint = path.join(folder, 'checkpoints', 'step-000000003');
    expect(filesOf(undefined, checkpoint)).toEqual([`${checkpoint}/evaluation.json`, `${checkpoint}/evaluation.html`]);
    await writeFile(path.join(folder, 'ledger.jsonl'), '');
    expect(filesOf(undefined, checkpoint)).toEqual([`${folder}/evaluation.json`, `${folder}/evaluation.html`]);
  });

  it('is the folder or the file that was named', () => {
    expect(filesOf('/a/b', '/c')).toEqual(['/a/b/evaluation.json', '/a/b/evaluation.html']);
    expect(filesOf('/a/mine.html', '/c')).toEqual(['/a/mine.json', '/a/mine.html']);
  });
});

it('is refused as a file of another kind, while any folder is taken', async () => {
  const at = (named: string) => () => reportFiles('evaluation', { named, checkpoint: '/c' });
  expect(at(path.join(folder, 'x.pdf'))).toThrow(/x\.pdf' ends in \.pdf, expected a \.html or \.json file, a folder/);
  await mkdir(path.join(folder, 'x.pdf'));
  expect(at(path.join(folder, 'x.pdf'))().file).toBe(path.join(folder, 'x.pdf', 'evaluation.json'));
  expect(at('/a/v1.5')().file).toBe('/a/v1.5/evaluation.json');
});

describe('writing a report', () => {
  it('makes the folder, replaces what was there and leaves nothing else', async () => {
    const files = reportFiles('evaluation', { named: path.join(folder, 'new'), checkpoint: '' });
    await writeReport(files, { ...CONTENT, page: 'earlier' });
    expect(await writeReport(files, CONTENT)).toEqual({ ok: true });
    expect((await readdir(path.join(folder, 'new'))).sort()).toEqual(['evaluation.html', 'evaluation.json']);
    expect(JSON.parse(await readFile(files.file, 'utf8'))).toEqual(CONTENT.document);
    expect(await readFile(files.page, 'utf8')).toBe(CONTENT.page);
  });

  it('that fails is a warning where nobody named the place, and an error where somebody did', async () => {
    // A folder in the way cannot be replaced by a file, whoever runs the test.
    await mkdir(path.join(folder, 'evaluation.json', 'inside'), { recursive: true });
    const chosen = reportFiles('evaluation', { named: undefined, checkpoint: folder });
    const outcome = await writeReport(chosen, CONTENT);
    expect(outcome).toMatchObject({ ok: false, warning: expect.stringContaining(`not be written to ${folder}: `) });
    const named = reportFiles('evaluation', { named: folder, checkpoint: '' });
    await expect(writeReport(named, CONTENT)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readdir(folder)).toEqual(['evaluation.json']);
  });
});
