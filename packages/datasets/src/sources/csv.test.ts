import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import { describeSource } from '../../test/source-contract.js';
import { csv, readRows, type CsvOptions } from './csv.js';
import type { SampleSource } from './sample-source.js';

const FLOWERS = 'width,kind,height\n1.5,rose,2\n-3e2,tulip,.5\n0,rose,7.\n"4","aster",+1\n';

/** Opens a table that is written for the occasion. */
async function opened(table: string | Buffer, options: Partial<CsvOptions> = {}, test?: string): Promise<SampleSource> {
  const folder = await temporaryFolder();
  const paths = { train: join(folder, 'train.csv'), test: join(folder, 'test.csv') };
  await writeFile(paths.train, table);
  if (test !== undefined) await writeFile(paths.test, test);
  return csv({ train: paths.train, ...(test !== undefined && { test: paths.test }), label: 'kind', ...options });
}

describeSource('a table with a test split', {
  make: (_folder, content) =>
    opened(FLOWERS, {}, `width,kind,height\n1,tulip,${content === 'usual' ? 2 : 3}\n2,rose,1\n`),
});

describeSource('a table that is shared out', {
  make: (_folder, content) => {
    const rows = Array.from({ length: 50 }, (_, i) => `${i},${i === 9 && content === 'other' ? 'z' : `k${i % 3}`}`);
    return opened(`x,kind\n${rows.join('\n')}`, { testShare: 0.3 });
  },
});

describe('a table', () => {
  it('is numbers and a class', async () => {
    const source = await opened(FLOWERS, { testShare: 0 });
    expect(source.classes).toEqual(['aster', 'rose', 'tulip']);
    expect(source.fields).toEqual({ features: { shape: [2], type: 'float32' }, label: { shape: [], type: 'int32' } });
    expect(await source.read('train', [0, 1, 2, 3])).toEqual({
      features: Float32Array.of(1.5, 2, -300, 0.5, 0, 7, 4, 1),
      label: Int32Array.of(1, 2, 1, 0),
    });
  });

  it('has whole numbers as classes in their order, whatever they are', async () => {
    const source = await opened('kind,x\n10,1\n2,1\n-1,1\n2,1\n', { testShare: 0 });
    expect(source.classes).toEqual(['-1', '2', '10']);
    expect([...(await source.read('train', [0, 1, 2, 3]))['label']!]).toEqual([2, 1, 0, 1]);
  });

  it('may have a number as its label', async () => {
    const source = await opened('kind,x\n1.25,1\n-2,1\n', { labelIs: 'number', testShare: 0 });
    expect(source.classes).toBeUndefined();
    expect((await source.read('train', [1, 0]))['label']).toEqual(Float32Array.of(-2, 1.25));
  });

  it('may have no header, another separator, and columns that are not read', async () => {
    const source = await opened('1;a;x;2\n3;b;y;4\n', {
      hasHeader: false,
      separator: ';',
      label: 1,
      features: [3, 0],
      testShare: 0,
    });
    expect(source.classes).toEqual(['a', 'b']);
    expect([...(await source.read('train', [0, 1]))['features']!]).toEqual([2, 1, 4, 3]);
  });

  it('says how further rows are read, with or without a label and with other columns', async () => {
    const { table } = await opened(FLOWERS, { testShare: 0 });
    expect(table).toEqual({ columns: ['width', 'height'], hasHeader: true, separator: ',' });
    const file = join(await temporaryFolder(), 'new.csv');
    await writeFile(file, 'id,height,width\nx,2,1.5\ny,4,3\n');
    expect(await readRows(file, table!)).toMatchObject({ rows: 2, features: Float32Array.of(1.5, 2, 3, 4) });
    await writeFile(file, 'height\n2\n');
    await expect(readRows(file, table!)).rejects.toThrow('has no column "width", expected one of: height');
  });

  it('without a header has columns by their places', async () => {
    const { table } = await opened('1;a;2\n3;b;4\n', { hasHeader: false, separator: ';', label: 1, testShare: 0 });
    expect(table).toEqual({ columns: ['0', '2'], hasHeader: false, separator: ';' });
    const file = join(await temporaryFolder(), 'new.csv');
    await writeFile(file, '5;?;6\n');
    expect(await readRows(file, table!)).toMatchObject({ rows: 1, features: Float32Array.of(5, 6) });
  });

  it('begins after the mark of the byte order', async () => {
    const source = await opened(Buffer.from(`\ufeff${FLOWERS}`), {
      label: 'width',
      labelIs: 'number',
      features: ['height'],
    });
    expect(source.fields['features']!.shape).toEqual([1]);
  });

  it('of many rows is read whole', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `${i},${i % 2}`);
    const source = await opened(`x,kind\n${rows.join('\n')}\n`, { testShare: 0 });
    expect([...(await source.read('train', [4_999, 1_024]))['features']!]).toEqual([4_999, 1_024]);
  });

  it.each<[string, string, Partial<CsvOptions>, string, string?]>([
    ['a missing number', 'x,kind\n1,a\n,b\n', {}, ": row 2 (line 3) has nothing in column 'x', expected a number"],
    ['a word', 'x,kind\n\n"1\n2",a\n', {}, ": row 1 (line 3) has '1\\n2' in column 'x', expected a number"],
    ['NaN', 'x,kind\nnan,a\n', {}, ": row 1 (line 2) has 'nan' in column 'x', expected a number"],
    ['too large a number', 'x,kind\n1e39,a\n', {}, ": row 1 (line 2) has '1e39' in column 'x', expected a number"],
    ['hexadecimal', 'x,kind\n0x10,a\n', {}, "has '0x10' in column 'x', expected a number"],
    ['a missing class', 'x,kind\n1,\n', {}, ": row 1 (line 2) has nothing in column 'kind', expected a label"],
    [
      'a label that is no number',
      'x,kind\n1,a\n',
      { labelIs: 'number' },
      ": row 1 (line 2) has 'a' in column 'kind', expected a number",
    ],
    ['a cell too few', 'x,kind\n1\n', {}, ': row 1 (line 2) has 1 cells, expected 2, one for every column'],
    ['one class', 'x,kind\n1,a\n2,a\n', {}, "has one class alone, 'a', expected two or more"],
    ['a column that is not there', 'x,y\n1,a\n', {}, 'has no column "kind", expected one of: x, y'],
    ['a column by number that is not there', 'x,y\n1,a\n', { label: 2 }, 'has no column 2, expected one of: x, y'],
    ['two columns of one name', 'kind,x,kind\n1,2,3\n', {}, "has two columns 'kind', expected one"],
    ['a label alone', 'kind\na\nb\n', {}, 'has no column but the label'],
    ['nothing', '', {}, 'is empty, expected a header and rows'],
    ['a header alone', 'x,kind\n', { classes: ['a', 'b'] }, 'train has 0 samples, expected at least one'],
    ['a broken quote', 'x,kind\n"1,a\n', {}, 'line 2 has a quoted cell that does not end'],
    [
      'a class that has no name',
      'x,kind\n1,a\n2,c\n',
      { classes: ['a', 'b'] },
      ": row 2 (line 3) has the class 'c', expected one of: a, b",
    ],
    ['a class twice', FLOWERS, { classes: ['rose', 'rose'] }, "csv: there are two classes 'rose', expected one"],
    ['a long separator', FLOWERS, { separator: '::' }, 'csv: the separator is "::", expected one character'],
    [
      'another header in the test split',
      FLOWERS,
      {},
      'has the columns height, width, expected width, height as in',
      'height,kind,width\n1,rose,2\n',
    ],
    [
      'another class in the test split',
      FLOWERS,
      {},
      "test.csv: row 1 (line 2) has the class 'oak', expected one of: aster, rose, tulip",
      'width,kind,height\n1,oak,2\n',
    ],
  ])('is refused with %s', async (_, table, options, problem, test) => {
    await expect(opened(table, options, test)).rejects.toThrow(problem);
  });

  it.each([
    [Buffer.from([...Buffer.from('x,kind\n1,'), 0xe9, 0x0a]), 'train.csv is not UTF-8 at byte 10'],
    [Buffer.from([...Buffer.from('x,kind\n1,'), 0xc3]), 'train.csv ends within a character'],
  ])('that is not UTF-8 is refused with the place', async (table, problem) => {
    await expect(opened(table)).rejects.toThrow(problem);
  });
});
