/**
 * Makes a folder appear whole or not at all: its files are written into a staging folder beside it, synced, and the
 * folder is renamed into place. A process that dies on the way leaves only a staging folder, which a later one removes.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncFile, syncFolder } from '@facet/shared';

/** A staging folder this old belongs to a process that died. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** Two places to write to, both on the file system of the target. */
export interface Staging {
  /** Becomes the target. */
  readonly content: string;
  /** For intermediate files; removed at the end. */
  readonly scratch: string;
}

/** What happens to a target that is there. `keep`: what was written is dropped, as when another process was faster. */
export type IfPresent = 'replace' | 'keep';

/** Lets `fill` write the content, which then becomes `target`. Nothing stays behind when `fill` throws. */
export async function publishFolder(
  target: string,
  fill: (staging: Staging) => Promise<void>,
  ifPresent: IfPresent = 'replace',
): Promise<void> {
  const parent = dirname(target);
  await makeFolder(parent);
  const prefix = `${basename(target)}.staging-`;
  await removeAbandoned(parent, prefix);
  const root = await mkdtemp(join(parent, prefix));
  try {
    const staging = { content: join(root, 'content'), scratch: join(root, 'scratch') };
    await mkdir(staging.content);
    await mkdir(staging.scratch);
    await fill(staging);
    for (const name of await readdir(staging.content)) await syncFile(join(staging.content, name));
    await syncFolder(staging.content);
    if (ifPresent === 'replace') await replaceFolder(staging.content, target, join(root, 'replaced'));
    else await renameUnlessPresent(staging.content, target);
    await syncFolder(parent);
  } finally {
    // A cancelled npm may still be writing for a moment.
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function replaceFolder(content: string, target: string, replaced: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rename(target, `${replaced}-${attempt}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    try {
      return await rename(content, target);
    } catch (caught) {
      // Another process published its own between our two renames.
      const { code } = caught as NodeJS.ErrnoException;
      if (attempt === 3 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw caught;
    }
  }
}

/** The file system refuses to rename a folder to one that holds something. */
async function renameUnlessPresent(content: string, target: string): Promise<void> {
  await rename(content, target).catch(async (caught: NodeJS.ErrnoException) => {
    // Windows says EPERM.
    const isPresent = await stat(target).then(
      () => true,
      () => false,
    );
    if (!isPresent) throw caught;
  });
}

async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => null);
    if (found === null || Date.now() - found.mtimeMs < ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
