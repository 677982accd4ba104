import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from './command.js';
import { fetchNpmPackage, requirementsOfExtra, TFJS_NODE } from './sources.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-sources-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('the requirements of an extra', () => {
  it('are those that only the extra asks for, without their markers', () => {
    const metadata = [
      'Name: tensorflow',
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      "Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75 ; extra == 'and-cuda'",
      'Provides-Extra: gcs-filesystem',
      'Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (python_version < "3.13") and extra == "gcs-filesystem"',
    ].join('\r\n');
    expect(requirementsOfExtra(metadata, 'and-cuda')).toEqual([
      'nvidia-cublas-cu12<13.0,>=12.5.3.2',
      'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
    ]);
  });
});

describe('a package from npm', () => {
  it('is not unpacked when its integrity is not the known one', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    // A registry that was tampered with: `npm pack` gives another file. Its last argument is the folder to put it in.
    const npm = '#!/bin/sh\nfor last; do :; done\necho tampered > "$last/package.tgz"\n';
    await writeFile(join(bin, 'npm'), npm);
    await chmod(join(bin, 'npm'), 0o755);
    const target = join(folder, 'unpacked');
    const context = { folder, env: { PATH: bin }, python: 'python3', log: () => undefined };
    await expect(fetchNpmPackage(TFJS_NODE, target, context)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining(`expected ${TFJS_NODE.integrity}; not used`),
    });
    await expect(readFile(join(target, 'package.json'))).rejects.toThrow('ENOENT');
  });
});

describe('a program of the installation', () => {
  const run = (script: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<string> =>
    runCommand(process.execPath, ['-e', script], { folder, env: {}, timeoutMs: 60_000, ...options });

  it('returns its stdout and tells every line', async () => {
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);
    const script = "process.stdout.write('one\\ntwo'); console.error('three')";
    const options = { folder, env: {}, timeoutMs: 60_000, onLine };
    expect(await runCommand(process.execPath, ['-e', script], options)).toBe('one\ntwo');
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
  });

  it('quotes its last lines when it fails', async () => {
    const script = "for (let i = 1; i <= 9; i++) console.error('line ' + i); process.exitCode = 3";
    await expect(run(script)).rejects.toThrow(/ended with exit code 3\n {2}line 4\n(.*\n)*.*line 9$/);
  });

  it('is ended when its time is up', async () => {
    await expect(run('setInterval(() => undefined, 1000)', { timeoutMs: 200 })).rejects.toThrow(
      'did not end within 0.2 s',
    );
  });

  it('is ended when the installation is stopped', async () => {
    const stop = new AbortController();
    const running = run('setInterval(() => undefined, 1000)', { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
