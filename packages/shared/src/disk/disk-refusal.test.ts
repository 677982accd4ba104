import { open, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TrainingError } from '../errors.js';
import { diskRefusal } from './disk-refusal.js';
import { writeWhole } from './durable-files.js';

const caughtOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (caught: unknown) => caught,
  );

describe('a refusal of the file system', () => {
  it('names the path, what is wrong and what to do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'facet-refusal-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'file');
    await writeFile(file, '');
    const refusal = diskRefusal(await caughtOf(mkdir(join(file, 'runs'))));
    expect(refusal).toMatchObject({ code: 'DISK_REFUSED', isUsage: true });
    expect(refusal?.message).toBe(
      `cannot make the folder ${join(file, 'runs')}: a part of the path is a file (ENOTDIR); choose another place`,
    );
    const unwritten = await caughtOf(writeWhole(join(file, 'a'), 'text', 'owner'));
    expect(diskRefusal(unwritten, 'set FACET_RUNS')?.message).toMatch(/^cannot .*file.*\(ENOTDIR\); set FACET_RUNS$/);
  });

  it.skipIf(!existsSync('/dev/full'))('of a full disk is one, though the system names no path', async () => {
    await using full = await open('/dev/full', 'w');
    expect(diskRefusal(await caughtOf(full.writeFile('text')))?.message).toBe(
      'cannot write a file: the disk is full (ENOSPC); free some space, or choose another place',
    );
  });

  it.each(['EACCES', 'EPERM', 'EROFS', 'EDQUOT'])('%s is one, whatever was tried', (code) => {
    const caught = Object.assign(new Error(code), { code, syscall: 'open', path: '/runs/a' });
    expect(diskRefusal(caught)?.message).toMatch(new RegExp(`^cannot open /runs/a: .* \\(${code}\\); `));
  });

  it('is nothing else', () => {
    expect(diskRefusal(new TrainingError('INTERNAL', 'x'))).toBeUndefined();
    expect(diskRefusal(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBeUndefined();
    expect(diskRefusal('EACCES')).toBeUndefined();
  });
});
