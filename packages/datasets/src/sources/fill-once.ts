/**
 * Several processes want the same cache, and one of them fills it. It keeps a mark beside the cache and touches it while it
 * works; the others wait as long as the mark moves. This only saves work: if a mark is lost, or two fill the same cache, nothing
 * breaks, because a cache appears whole and the first one stays.
 */
import { makeFolder } from '@facet/shared';
import { open, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A cache that may be filled by another process. */
export interface SharedFill<T> {
  /** Path of the mark. */
  readonly mark: string;
  /** What is wanted, if the cache is filled. */
  readonly look: () => Promise<T | undefined>;
  /** Fills the cache. `touch` is to be called while that goes on; it may be called often. */
  readonly fill: (touch: () => void) => Promise<void>;
  /** Passes the time between two looks at the mark. */
  readonly pause: () => Promise<void>;
  /** Looks at a mark that does not move before its process counts as dead. */
  readonly patience: number;
}

/**
 * What is in the cache, filled by this process or by another.
 *
 * @returns undefined when the cache was filled and still holds nothing that can be used
 */
export async function fillOnce<T>({ mark, look, fill, pause, patience }: SharedFill<T>): Promise<T | undefined> {
  let seen: number | undefined;
  for (let stood = 0; stood < patience;) {
    const found = await look();
    if (found !== undefined) return found;
    if (await setMark(mark)) break;
    const moved = await markTime(mark);
    stood = moved === seen ? stood + 1 : 0;
    seen = moved;
    await pause();
  }
  try {
    // Between the last look and the mark another process may have finished.
    const found = await look();
    if (found !== undefined) return found;
    await fill(() => void touchMark(mark));
  } finally {
    await rm(mark, { force: true });
  }
  return look();
}

/** False when there is one. */
async function setMark(mark: string): Promise<boolean> {
  await makeFolder(dirname(mark));
  try {
    await (await open(mark, 'wx')).close();
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw caught;
  }
}

async function markTime(mark: string): Promise<number | undefined> {
  return (await stat(mark).catch(() => undefined))?.mtimeMs;
}

async function touchMark(mark: string): Promise<void> {
  const now = new Date();
  // Another process may have taken this one for dead and removed the mark.
  await utimes(mark, now, now).catch(() => undefined);
}
