/**
 * CIFAR-10 from its authors' archive of binary batches. The archive is unpacked only after its MD5 was found right, and
 * only the six batches leave it.
 */
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { extract } from 'tar';
import { CIFAR10_FILES } from '../cifar10.js';
import { downloadFile } from './download.js';
import type { FetchSource } from './sources.js';

/** Where an archive is and how long to wait for it. */
export interface ArchiveLocation {
  readonly url: string;
  readonly md5: string;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** The archive as its authors publish it. A machine without network goes on to the next source after 10 s at most. */
export const CANONICAL_ARCHIVE: ArchiveLocation = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
};

/**
 * The archive as a source.
 *
 * @param downloads - Folder that keeps an interrupted download for the next fetch.
 */
export function archiveSource(location: ArchiveLocation, downloads: string): FetchSource {
  return {
    name: location.url,
    async obtain(staging, onProgress, signal) {
      const path = join(downloads, 'cifar-10-binary.tar.gz');
      const source = location.url;
      const onBytes = (doneBytes: number, totalBytes: number | null): void =>
        onProgress({ kind: 'downloading', source, doneBytes, totalBytes });
      await downloadFile({ ...location, path, signal, onBytes });
      const wanted = new Set(CIFAR10_FILES.map((file) => file.name));
      const filter = (entry: string): boolean => wanted.has(basename(entry));
      await extract({ file: path, cwd: staging.content, strip: 1, filter });
      await rm(path);
    },
  };
}
