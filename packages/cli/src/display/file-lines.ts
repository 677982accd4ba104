import { formatBytes } from '@facet/lab/data';
import { tableLines } from './table.js';

/** The files that a command has written into a folder, with their sizes. */
export function fileLines(
  folder: string,
  files: readonly { readonly name: string; readonly bytes: number }[],
): string[] {
  const rows = files.map(({ name, bytes }) => [name, formatBytes(bytes)]);
  return [folder, ...tableLines({ header: ['file', 'size'], right: [1], rows })];
}
