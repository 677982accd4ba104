import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStore } from '../../test/store-contract.js';
import { FolderStore } from './folder-store.js';

describeStore('in a folder', {
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'facet-folder-store-'));
    return {
      store: new FolderStore(folder),
      other: () => Promise.resolve(new FolderStore(folder)),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
  histories: 25,
});
