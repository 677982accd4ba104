/**
 * What a process writes may find no reader: the pipe is closed (`facet up | head -1`), the terminal or the connection is
 * lost. That ends nothing: the text is dropped and the work goes on.
 */
import { closeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Codes by which a pipe (EPIPE, ERR_STREAM_DESTROYED) or a terminal (EIO) says that nobody reads any more. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

export interface WatchedOutput {
  /** The first error of the stream. */
  readonly failure: NodeJS.ErrnoException | undefined;
}

/** Keeps the errors of a stream from ending the process. */
export function watchOutput(stream: Writable): WatchedOutput {
  const watched: { failure: NodeJS.ErrnoException | undefined } = { failure: undefined };
  stream.on('error', (error) => {
    watched.failure ??= error;
  });
  return watched;
}

/** Whether nobody is there to read; otherwise, as on a full disk, somebody will miss the text. */
export function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return READER_GONE.has(code);
}

/**
 * Closes stdin, stdout and stderr at the end of a process that has lost its terminal: Node could not restore the modes of
 * the terminal, and would abort instead of ending with the exit code. A terminal that is lost no longer says that it is one.
 */
export function closeStandardStreams(): void {
  for (const file of [0, 1, 2]) {
    try {
      closeSync(file);
    } catch {
      // Whoever started the process had closed it.
    }
  }
}
