/**
 * The progress of a fetch in words, and one line that is redrawn with it on a terminal.
 */
import { createLogUpdate } from 'log-update';
import type { FetchProgress } from '@facet/datasets';
import { visibleText } from '@facet/shared';
import { printLine, type OutputStream } from '../context.js';
import { formatBytes, formatPercent } from '@facet/lab/data';

/** One event of a fetch as a line. */
export function describeProgress(progress: FetchProgress): string {
  switch (progress.kind) {
    case 'trying':
      return `fetching from ${progress.source}`;
    case 'downloading': {
      const { doneBytes, totalBytes } = progress;
      if (totalBytes === null) return `downloading: ${formatBytes(doneBytes)}`;
      const share = formatPercent(doneBytes / totalBytes);
      return `downloading: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${share})`;
    }
    case 'converting':
      return `converting: ${progress.doneFiles} of ${progress.totalFiles} files`;
    case 'checking':
      return `checking what came from ${progress.source}`;
    case 'failed':
      return `${progress.source} failed: ${progress.reason}`;
    case 'ready':
      return `ready and verified in ${progress.folder}`;
    default:
      return progress satisfies never;
  }
}

/** Elsewhere than on a terminal, a passing line is printed this often. */
const PASSING_INTERVAL_MS = 10_000;

export interface ProgressLine extends Disposable {
  /** Shows a line; a passing one is replaced by the next on a terminal, and mostly left out elsewhere. */
  show(text: string, isPassing: boolean): void;
}

export function openProgressLine(stream: OutputStream): ProgressLine {
  if (!stream.isTTY) {
    let printedAt = performance.now();
    return {
      show: (text, isPassing) => {
        const now = performance.now();
        if (isPassing && now - printedAt < PASSING_INTERVAL_MS) return;
        printedAt = now;
        printLine(stream, text);
      },
      [Symbol.dispose]: () => undefined,
    };
  }
  const log = createLogUpdate(stream, { showCursor: true });
  return {
    show: (text, isPassing) => {
      if (isPassing) log(visibleText(text));
      else log.persist(visibleText(text));
    },
    [Symbol.dispose]: () => {
      log.done();
    },
  };
}
