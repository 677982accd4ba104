/** Shows on a terminal how far the decoding of a folder is. */
import { visibleLine } from '@facet/shared';
import type { ImageProgress } from './image-cache.js';

/** Where it is shown: `process.stderr`. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Files that are left out are named everywhere; the progress is one line that is written over, on a terminal alone. */
export function imageProgressOnTerminal(screen: Screen): (progress: ImageProgress) => void {
  let shownPercent = -1;
  return (progress) => {
    if (progress.kind === 'skipped') {
      screen.write(`left out: ${visibleLine(progress.file)}: ${visibleLine(progress.reason)}\n`);
      return;
    }
    const { doneFiles, totalFiles } = progress;
    const percent = Math.floor((100 * doneFiles) / totalFiles);
    if (screen.isTTY !== true || percent === shownPercent) return;
    shownPercent = percent;
    screen.write(`\rdecoding images: ${doneFiles} of ${totalFiles} (${percent} %)${percent === 100 ? '\n' : ''}`);
  };
}
