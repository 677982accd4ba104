/** Files that readers find whole, or as they were before: written beside and renamed. */
import { rename, writeFile } from 'node:fs/promises';

/** Writes or replaces a file. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}
