/**
 * Makes a folder and those above it. Node's own recursive mkdir never returns where the system says that a folder cannot be made
 * as if one above it were missing (`/proc`).
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface MakeFolderOptions {
  /** Of every folder that is made; default: as umask says. */
  readonly mode?: number;
}

/**
 * Makes a folder that may be there already.
 *
 * @returns the topmost folder that was made; undefined when all of them were there
 * @throws the system's error about the first folder that cannot be made; ENOTDIR when a file stands in the way
 */
export async function makeFolder(path: string, { mode = 0o777 }: MakeFolderOptions = {}): Promise<string | undefined> {
  const missing: string[] = [];
  for (let folder = resolve(path); !(await isFolder(folder)); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    await mkdir(folder, { mode }).catch(async (caught: unknown) => {
      // Somebody else may have made it meanwhile.
      if ((caught as NodeJS.ErrnoException).code !== 'EEXIST' || !(await isFolder(folder))) throw caught;
    });
  }
  return missing[0];
}

async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (caught) {
    const { code } = caught as NodeJS.ErrnoException;
    // The root is always there, so going up ends.
    if (code === 'ENOENT' && dirname(path) !== path) return false;
    throw caught;
  }
  throw Object.assign(new Error(`ENOTDIR: ${path} is a file, expected a folder`), {
    code: 'ENOTDIR',
    syscall: 'mkdir',
    path,
  });
}
