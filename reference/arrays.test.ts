/** Arrays that NumPy wrote, read by our sources: every type, both orders, plain and in archives. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TrainingError } from '@facet/shared';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { arrays, type ArrayPlace } from '../packages/datasets/src/sources/arrays.js';
import { requirePython, runPython } from './python-interpreter.js';
import { storedFile, storedNumbers } from './stored-numbers.js';

const { cases, refused } = storedNumbers<{
  cases: readonly { name: string; shape: number[]; type: string; values: number[] }[];
  refused: readonly string[];
}>('arrays');

const stored = (name: string): string => storedFile(`arrays/${name}`);

/** Where the array of a case is; those of archives are in both. */
function placesOf(name: string): ArrayPlace[] {
  const inArchive = /^npz (.+)$/.exec(name)?.[1];
  if (inArchive === undefined) return [stored(name)];
  return ['stored.npz', 'deflated.npz'].map((file) => ({ file: stored(file), array: inArchive }));
}

it.each(cases.map((each) => [each.name, each] as const))(
  '%s holds the numbers that NumPy says',
  async (_, expected) => {
    const [rows, ...shape] = expected.shape;
    for (const place of placesOf(expected.name)) {
      const source = await arrays({ train: { x: place }, testShare: 0 });
      expect(source.fields).toEqual({ x: { shape, type: expected.type } });
      expect(source.length('train')).toBe(rows);
      const all = await source.read(
        'train',
        Int32Array.from({ length: rows! }, (_, i) => i),
      );
      expect([...all['x']!]).toEqual(expected.values);
      const last = await source.read('train', [rows! - 1]);
      expect([...last['x']!]).toEqual(expected.values.slice(-expected.values.length / rows!));
    }
  },
);

it('the same numbers have the same identity, plain, in an archive, compressed, or in Fortran order', async () => {
  const digestOf = async (x: ArrayPlace): Promise<string> => (await arrays({ train: { x } })).digest;
  const expected = await digestOf(stored('f8.npy'));
  expect(await digestOf(stored('f8-fortran.npy'))).toBe(expected);
  expect(await digestOf({ file: stored('stored.npz'), array: 'f8' })).toBe(expected);
  expect(await digestOf({ file: stored('deflated.npz'), array: 'f8' })).toBe(expected);
  expect(await digestOf(stored('f4.npy'))).not.toBe(expected);
});

it('a whole archive is its arrays', async () => {
  const { fields } = await arrays({ train: stored('stored.npz'), test: stored('deflated.npz') });
  expect(Object.keys(fields)).toEqual(['u1', 'i8', 'f8', 'turned']);
});

const PROBLEMS: Readonly<Record<string, string>> = {
  'objects.npy': 'holds pickled Python objects (type |O), expected an array of numbers',
  'structured.npy': 'expected descr, fortran_order and shape',
  'halves.npy': 'holds numbers of type <f2, expected one of b1, u1, i1, u2, i2, u4, i4, u8, i8, f4, f8',
  'texts.npy': 'holds numbers of type <U1, expected one of b1',
  'single.npy': 'is a single number, expected one row for every sample',
  'wide-u4.npy': 'holds 2147483648 at place 1, which does not fit into int32',
  'wide-i8.npy': 'holds -2147483649 at place 2, which does not fit into int32',
  'wide-u8.npy': 'holds 9223372036854776000 at place 0, which does not fit into int32',
  'large-f8.npy': 'holds 1e+39 at place 1, which does not fit into float32',
};

it.each(refused)('%s is refused when it is opened', async (name) => {
  const problem = PROBLEMS[name];
  expect(problem).toBeDefined();
  await expect(arrays({ train: { x: stored(name) } })).rejects.toThrow(`${stored(name)} `);
  await expect(arrays({ train: { x: stored(name) } })).rejects.toThrow(problem);
});

async function folderForATest(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-arrays-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

it.each([
  ['stored.npz', /has checksum \d+ over an array, expected \d+; the file is damaged/],
  ['deflated.npz', /has (damaged content .* in|checksum \d+ over) array 'u1' of/],
])('%s with one other byte is refused', async (name, problem) => {
  const content = await readFile(stored(name));
  const file = path.join(await folderForATest(), name);
  // The last byte of the first array, u1, which the next entry follows.
  const end = content.indexOf('PK\x03\x04', 4, 'latin1');
  content[end - 2]! ^= 1;
  await writeFile(file, content);
  await expect(arrays({ train: file })).rejects.toThrow(problem);
});

it('damaged files are refused with a reason, or hold what they did', { timeout: 60_000 }, async () => {
  const folder = await folderForATest();
  const names = ['stored.npz', 'deflated.npz', 'f8.npy', 'i8-fortran.npy'];
  const whole = new Map(await Promise.all(names.map(async (name) => [name, await readFile(stored(name))] as const)));
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat()),
      async (name, changes, cutAt) => {
        const content = Buffer.from(whole.get(name)!);
        for (const [place, byte] of changes) content[place % content.length] = byte;
        count += 1;
        const file = path.join(folder, `${count}-${name}`);
        await writeFile(file, content.subarray(0, cutAt === null ? content.length : cutAt % content.length));
        try {
          const source = await arrays({ train: name.endsWith('.npz') ? file : { x: file }, testShare: 0 });
          await source.read('train', [0, source.length('train') - 1]);
        } catch (caught) {
          expect(caught).toBeInstanceOf(TrainingError);
          expect((caught as TrainingError).code).toBe('DATASET_INVALID');
        }
      },
    ),
    { numRuns: 500 },
  );
});

it('reads the 64-bit fields of large archives', async (context) => {
  await requirePython(context);
  const folder = await folderForATest();
  const script = path.join(folder, 'write.py');
  const file = path.join(folder, 'many.npz');
  // Python writes these fields when a number passes its limits, so these are lowered.
  await writeFile(
    script,
    'import sys, zipfile, io, numpy as np\n' +
      'zipfile.ZIP64_LIMIT = 100; zipfile.ZIP_FILECOUNT_LIMIT = 2\n' +
      'b = io.BytesIO(); np.save(b, np.arange(3, dtype="<i4")); raw = b.getvalue()\n' +
      'with zipfile.ZipFile(sys.argv[1], "w") as z:\n' +
      '  [z.writestr(f"a{i}.npy", raw) for i in range(4)]\n',
  );
  expect(await runPython(script, file)).toMatchObject({ code: 0 });
  // The signatures of the directory's end and of its place, in their 64-bit forms.
  const content = await readFile(file, 'latin1');
  expect([content.includes('PK\x06\x06'), content.includes('PK\x06\x07')]).toEqual([true, true]);
  const source = await arrays({ train: { x: { file, array: 'a3' } }, testShare: 0 });
  expect([...(await source.read('train', [2, 0]))['x']!]).toEqual([2, 0]);
});
