/**
 * Files that readers find whole, or as they were before: written beside, on disk before they get their name. A result that
 * took hours must not be an empty file after a power cut.
 */
import { open, rename, rm } from 'node:fs/promises';

/** Writes or replaces a file; what fails leaves nothing beside it. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    {
      await using handle = await open(part, 'w');
      await handle.writeFile(content);
      await handle.sync();
    }
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
