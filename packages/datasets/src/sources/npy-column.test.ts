import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import { encodeNpy } from '../../test/npy.js';
import type * as Shared from '@facet/shared';
import { npyColumn } from './npy-column.js';

const slow = vi.hoisted(() => ({ isNextClose: false }));

/** The first file that is closed takes its time: others could be opened and closed meanwhile. */
vi.mock('@facet/shared', async (importOriginal) => {
  const shared = await importOriginal<typeof Shared>();
  return {
    ...shared,
    openRegularFile: async (path: string, maxBytes: number) => {
      const file = await shared.openRegularFile(path, maxBytes);
      if (!slow.isNextClose) return file;
      slow.isNextClose = false;
      const close = async (): Promise<void> => {
        for (let turn = 0; turn < 2_000; turn++) await new Promise((resolve) => setImmediate(resolve));
        await file[Symbol.asyncDispose]();
      };
      return { ...file, [Symbol.asyncDispose]: close };
    },
  };
});

it('a file that is wrong is refused once: no other rejection is left over while the file is closed', async () => {
  const file = join(await temporaryFolder(), 'a.npy');
  await writeFile(file, encodeNpy([2], new Uint8Array(4), { type: '<f2' }));
  const leftOver: unknown[] = [];
  const onRejection = (reason: unknown): void => void leftOver.push(reason);
  process.on('unhandledRejection', onRejection);
  onTestFinished(() => void process.off('unhandledRejection', onRejection));
  slow.isNextClose = true;
  await expect(npyColumn(file)).rejects.toThrow('holds numbers of type <f2');
  expect(slow.isNextClose).toBe(false);
  expect(leftOver).toEqual([]);
});
