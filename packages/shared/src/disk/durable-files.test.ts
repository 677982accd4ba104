import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivateFolder, writeDurableFile, writeWhole } from './durable-files.js';

let folder = '';
const modeOf = async (name: string): Promise<string> => ((await stat(join(folder, name))).mode & 0o777).toString(8);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-files-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('a file that is written whole', () => {
  it('replaces what was there, together with who may read it, and leaves nothing beside it', async () => {
    await writeFile(join(folder, 'a'), 'earlier', { mode: 0o644 });
    await writeWhole(join(folder, 'a'), 'later', 'owner');
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('later');
    expect(await modeOf('a')).toBe('600');
    await writeWhole(join(folder, 'b'), 'for others', 'as-umask-says');
    expect(await modeOf('b')).toBe((0o666 & ~process.umask()).toString(8));
    expect(await readdir(folder)).toEqual(['a', 'b']);
  });

  it('is whole when it is written many times at once', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => writeWhole(join(folder, 'a'), text, 'owner')));
    expect(texts).toContain(await readFile(join(folder, 'a'), 'utf8'));
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('stays as it was when its place cannot be taken, and no part is left', async () => {
    await mkdir(join(folder, 'a', 'inside'), { recursive: true });
    await expect(writeWhole(join(folder, 'a'), 'text', 'owner')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['a']);
  });
});

describe('what only its owner may read', () => {
  it('is a new file, and a folder with those above it that were missing', async () => {
    await makePrivateFolder(join(folder, 'runs', 'demo'));
    await writeDurableFile(join(folder, 'runs', 'demo', 'lock'), Uint8Array.of(1, 2));
    expect([await modeOf('runs'), await modeOf('runs/demo'), await modeOf('runs/demo/lock')]).toEqual([
      '700',
      '700',
      '600',
    ]);
    expect([...(await readFile(join(folder, 'runs', 'demo', 'lock')))]).toEqual([1, 2]);
  });

  it('is a folder that was open to others, but not the one above it', async () => {
    await mkdir(join(folder, 'runs', 'demo'), { recursive: true });
    await chmod(join(folder, 'runs'), 0o755);
    await chmod(join(folder, 'runs', 'demo'), 0o755);
    await makePrivateFolder(join(folder, 'runs', 'demo'));
    expect([await modeOf('runs'), await modeOf('runs/demo')]).toEqual(['755', '700']);
  });
});
