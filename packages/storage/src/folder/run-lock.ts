/**
 * One coordinator per run folder, and one process per study. The lock is a file that is made exclusively and names its
 * process. If that process died on this machine, the lock is taken over. Nothing can be known of a process on another machine
 * or in another container, so every holder touches its lock now and then: one that stays untouched is taken over too. Any
 * other lock is reported. Who moves or removes a run holds its lock meanwhile.
 *
 * A coordinator that holds the run's lease may take the lock from a living process: it replaces the file, and the other process
 * notices when it checks. The lock does not protect against a shared disk whose writes are not seen by other machines.
 */
import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import {
  pause,
  readRegularText,
  syncFolder,
  systemClock,
  TrainingError,
  writeDurableFile,
  type Clock,
} from '@facet/shared';
import { fateOf, ownIdentity, type PlacedProcess } from './process-identity.js';

const MOST_LOCK_BYTES = 1024 * 1024;

const LOCK_FILE = 'lock';

/** How often a holder touches its lock. */
const TOUCH_MS = 2_000;
/** A lock that stays untouched for so long has no holder any more. Clocks of two machines are not compared. */
const UNTOUCHED_MS = 10_000;
const LOOK_MS = 500;

interface LockOwner extends PlacedProcess {
  /** Unlike that of any other taking. */
  readonly id?: string;
}

/** Processes of two machines may have the same number, so files are named by the random id. */
type OwnLock = LockOwner & { readonly id: string };

export interface RunLock {
  /** False once another process has taken the lock over. What is written after that does not count. */
  isHeld(): Promise<boolean>;
  /** Gives the lock back, if it is still held. */
  release(): Promise<void>;
}

/** Locks that this process holds: a file with its own process id that is not among them was left by an earlier life. */
const heldPaths = new Map<string, string>();

/** Codes by which a file system says that it has no hard links. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Takes the lock of a run's or study's folder, which must exist. If the lock is that of a process on another machine, this
 * watches for 10 s whether it lives.
 *
 * @throws TrainingError RUN_LOCKED naming the process that holds it.
 */
export async function lockRun(folder: string, clock: Clock = systemClock): Promise<RunLock> {
  const path = pathIn(folder);
  return touched(path, heldLock(path, await takeLock(folder, clock)));
}

/**
 * Gives the folder of a run another name on the same disk, and holds the run's lock meanwhile. The lock goes with the folder and
 * is given back there.
 *
 * @param to must not exist
 * @throws TrainingError RUN_LOCKED naming the process that holds the run; then nothing is changed.
 */
export async function moveRun(from: string, to: string): Promise<void> {
  const own = await takeLock(from);
  const before = heldLock(pathIn(from), own);
  try {
    await rename(from, to);
  } catch (caught) {
    await before.release();
    throw caught;
  }
  heldPaths.delete(pathIn(from));
  await heldLock(pathIn(to), own).release();
  await syncFolder(dirname(resolve(to)));
}

/**
 * Removes the folder of a run that no process holds. It first gets a name that no run has, so that nobody sees half a run. If the
 * removal is cut short, what is left is beside the other runs, as `.NAME.removed.ID`.
 *
 * @throws TrainingError RUN_LOCKED naming the process that holds the run; then nothing is changed.
 */
export async function removeRun(folder: string): Promise<void> {
  const path = resolve(folder);
  const aside = join(dirname(path), `.${basename(path)}.removed.${randomUUID()}`);
  await moveRun(path, aside);
  await rm(aside, { recursive: true });
}

/** Takes the lock of a folder that no living process holds. */
async function takeLock(folder: string, clock: Clock = systemClock): Promise<OwnLock> {
  const path = pathIn(folder);
  const own = newOwner();
  if (heldPaths.has(path)) throw locked(path, own);
  // Before the file exists: of two takings by this process, the second must not find a file that nobody holds.
  heldPaths.set(path, own.id);
  try {
    await withTemporary(path, own, async (temporary) => {
      if (await tryTake(temporary, path)) return;
      const owner = await readOwner(path);
      if (owner !== undefined && (await isAlive(path, owner, clock))) throw locked(path, owner);
      await removeStale(path, owner, own);
      if (!(await tryTake(temporary, path))) throw locked(path, await readOwner(path));
    });
    return own;
  } catch (caught) {
    if (heldPaths.get(path) === own.id) heldPaths.delete(path);
    throw caught;
  }
}

/** Takes the lock, also from a living process. Only for the holder of the run's lease, which is stronger than the lock. */
export async function takeOverRun(folder: string): Promise<RunLock> {
  const path = pathIn(folder);
  const own = newOwner();
  await withTemporary(path, own, (temporary) => rename(temporary, path));
  return touched(path, heldLock(path, own));
}

/** Whether a living process of this host is at work in a folder. Processes of other hosts are not known. */
export async function isLockedHere(folder: string): Promise<boolean> {
  const owner = await readOwner(pathIn(folder));
  return owner !== undefined && fateOf(owner) === 'alive';
}

function pathIn(folder: string): string {
  return join(resolve(folder), LOCK_FILE);
}

function newOwner(): OwnLock {
  return { ...ownIdentity(), host: hostname(), id: randomUUID() };
}

/** The lock's content in a file of its own, while `act` puts it in place. */
async function withTemporary(path: string, own: OwnLock, act: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${own.id}`;
  try {
    await writeDurableFile(temporary, new TextEncoder().encode(`${JSON.stringify(own)}\n`));
    await act(temporary);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

function heldLock(path: string, { id }: { readonly id: string }): RunLock {
  heldPaths.set(path, id);
  const isHeld = async (): Promise<boolean> => (await readOwner(path))?.id === id;
  return {
    isHeld,
    async release() {
      if (heldPaths.get(path) !== id) return;
      heldPaths.delete(path);
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

/** The lock, touched until it is released, so that others see that this process lives. */
function touched(path: string, lock: RunLock): RunLock {
  const touch = async (): Promise<void> => {
    if (await lock.isHeld()) await utimes(path, new Date(), new Date());
  };
  // A lock that cannot be touched now is touched the next time.
  const timer = setInterval(() => void touch().catch(() => undefined), TOUCH_MS);
  timer.unref();
  return {
    isHeld: () => lock.isHeld(),
    async release() {
      clearInterval(timer);
      await lock.release();
    },
  };
}

/** The lock appears with its content or not at all. */
async function tryTake(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch((caught: NodeJS.ErrnoException) => {
      if (!NO_LINKS.has(caught.code)) throw caught;
      return copyFile(from, to, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw caught;
  }
}

/** The old lock is moved aside first. If two processes take over at once, the second must not remove the first one's new lock. */
async function removeStale(path: string, owner: LockOwner | undefined, own: OwnLock): Promise<void> {
  const aside = `${path}.stale.${own.id}`;
  await rename(path, aside).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code !== 'ENOENT') throw caught;
  });
  const moved = await readOwner(aside);
  if (moved !== undefined && (moved.pid !== owner?.pid || moved.host !== owner.host)) {
    await rename(aside, path);
    throw locked(path, moved);
  }
  await rm(aside, { force: true });
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const { pid, host, startTicks, pidSpace, id } = JSON.parse(
      await readRegularText(path, MOST_LOCK_BYTES),
    ) as Partial<LockOwner>;
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
    return {
      pid,
      host,
      ...(typeof startTicks === 'number' && { startTicks }),
      ...(typeof pidSpace === 'string' && { pidSpace }),
      ...(typeof id === 'string' && { id }),
    };
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, owner: LockOwner, clock: Clock): Promise<boolean> {
  const fate = fateOf(owner);
  if (fate === 'unknown') return isTouched(path, clock);
  // This process holds what is in `heldPaths`, so it was another one with the same id.
  return fate === 'alive' && owner.pid !== process.pid;
}

/** Watches a lock until its holder shows itself, but not for ever. */
async function isTouched(path: string, clock: Clock): Promise<boolean> {
  const before = await markOf(path);
  const untilMs = clock.now() + UNTOUCHED_MS;
  while (clock.now() < untilMs) {
    await pause(clock, LOOK_MS);
    if ((await markOf(path)) !== before) return true;
  }
  return false;
}

/** Changes when the lock is touched, or replaced. */
async function markOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return `${found?.ino}/${found?.mtimeMs}`;
}

function locked(path: string, owner: LockOwner | undefined): TrainingError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new TrainingError(
    'RUN_LOCKED',
    `${who} is at work in ${dirname(path)}; stop it first, or remove ${path} when it is gone`,
  );
}
