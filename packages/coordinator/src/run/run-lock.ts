/**
 * One coordinator per run folder. The lock is a file made exclusively; it names the process, so that the lock of one that
 * died on this machine is taken over and any other is reported. It does not protect against a shared disk that lies.
 */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TrainingError } from '@facet/shared';

const LOCK_FILE = 'lock';

interface LockOwner {
  readonly pid: number;
  readonly host: string;
}

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a run folder, which must exist.
 *
 * @throws TrainingError RUN_LOCKED naming the process that holds it.
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, LOCK_FILE);
  const own: LockOwner = { pid: process.pid, host: hostname() };
  const temporary = `${path}.${own.pid}`;
  await writeFile(temporary, `${JSON.stringify(own)}\n`);
  try {
    if (!(await tryLink(temporary, path))) {
      const owner = await readOwner(path);
      if (owner !== undefined && isAlive(owner, own)) throw locked(path, owner);
      await rm(path, { force: true });
      if (!(await tryLink(temporary, path))) throw locked(path, await readOwner(path));
    }
  } finally {
    await rm(temporary, { force: true });
  }
  return { release: () => rm(path, { force: true }) };
}

/** The lock appears with its content or not at all. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw caught;
  }
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const { pid, host } = JSON.parse(await readFile(path, 'utf8')) as Partial<LockOwner>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: LockOwner, own: LockOwner): boolean {
  if (owner.host !== own.host) return true;
  if (owner.pid === own.pid) return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (caught) {
    return (caught as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function locked(path: string, owner: LockOwner | undefined): TrainingError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new TrainingError(
    'RUN_LOCKED',
    `${who} coordinates this run; stop it first, or remove ${path} when it is gone`,
  );
}
