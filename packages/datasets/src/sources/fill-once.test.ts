import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import { fillOnce, type SharedFill } from './fill-once.js';

/** A cache that is a variable, and a pause in which something may happen. */
async function world(onPause: (mark: string, pauses: number) => Promise<void>): Promise<{
  readonly shared: SharedFill<string>;
  readonly state: { content?: string; fills: number; pauses: number };
}> {
  const mark = join(await temporaryFolder(), 'caches', 'one.mark');
  const state: { content?: string; fills: number; pauses: number } = { fills: 0, pauses: 0 };
  const shared: SharedFill<string> = {
    mark,
    look: () => Promise.resolve(state.content),
    fill: async (touch) => {
      state.fills += 1;
      touch();
      expect(await readdir(join(mark, '..'))).toEqual(['one.mark']);
      state.content = 'mine';
    },
    pause: () => onPause(mark, ++state.pauses),
    patience: 3,
  };
  return { shared, state };
}

const nothing = (): Promise<void> => Promise.resolve();

describe('a cache that several may fill', () => {
  it('is filled by the first, and leaves no mark', async () => {
    const { shared, state } = await world(nothing);
    expect(await fillOnce(shared)).toBe('mine');
    expect(await fillOnce(shared)).toBe('mine');
    expect(state).toMatchObject({ fills: 1, pauses: 0 });
    expect(await readdir(join(shared.mark, '..'))).toEqual([]);
  });

  it('is waited for as long as the mark moves', async () => {
    const { shared, state } = await world(async (mark, pauses) => {
      await utimes(mark, pauses, pauses);
      if (pauses === 20) state.content = 'theirs';
    });
    await fillOnce({ ...shared, fill: nothing });
    await writeFile(shared.mark, '');
    expect(await fillOnce(shared)).toBe('theirs');
    expect(state).toMatchObject({ fills: 0, pauses: 20 });
    // The mark is not ours to remove.
    await expect(stat(shared.mark)).resolves.toBeDefined();
  });

  it('is not filled again when another one finished between the look and the mark', async () => {
    const { shared, state } = await world(nothing);
    let looks = 0;
    const look = (): Promise<string | undefined> => {
      looks += 1;
      if (looks === 2) state.content = 'theirs';
      return Promise.resolve(state.content);
    };
    expect(await fillOnce({ ...shared, look })).toBe('theirs');
    expect(state.fills).toBe(0);
    expect(await readdir(join(shared.mark, '..'))).toEqual([]);
  });

  it('is filled by the next one when the mark stands still', async () => {
    const { shared, state } = await world(nothing);
    await fillOnce({ ...shared, fill: nothing });
    await writeFile(shared.mark, '');
    expect(await fillOnce(shared)).toBe('mine');
    expect(state.pauses).toBe(4);
    expect(await readdir(join(shared.mark, '..'))).toEqual([]);
  });

  it('may be filled by another one when the first fails', async () => {
    const { shared } = await world(nothing);
    const failing = { ...shared, fill: () => Promise.reject(new Error('disk full')) };
    await expect(fillOnce(failing)).rejects.toThrow('disk full');
    expect(await fillOnce(shared)).toBe('mine');
  });
});
