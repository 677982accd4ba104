/** Files that readers find whole, or as they were before: written beside and renamed. */
import { rename, rm, writeFile } from 'node:fs/promises';

/** Writes or replaces a file; what fails leaves nothing beside it. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, content);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
