/**
 * Downloads one file of known digest to disk, with resume. Bytes go to `<path>.part` at the position they have in the
 * file, so two processes that download the same file write the same bytes and cannot damage each other; `path` itself
 * appears, by rename, only after the digest of all bytes was found right and they were synced.
 */
import { environmentFetch, makeFolder, syncFile, syncFolder, TrainingError, type Environment } from '@facet/shared';
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What to download and under which deadlines. */
export interface DownloadRequest {
  readonly url: string;
  /** Where the file belongs; its folder is made. */
  readonly path: string;
  readonly md5: string;
  /** From the request to the response's headers. */
  readonly connectTimeoutMs: number;
  /** Between two pieces of the body. */
  readonly idleTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Names the proxy, if there is one; this process's environment by default. */
  readonly env?: Environment | undefined;
  /** Called with the bytes on disk, at most once per MiB, and at the end of each request. */
  readonly onBytes: (doneBytes: number, totalBytes: number | null) => void;
}

/** Requests that may be cut after bringing some bytes before the download is given up. */
const MAX_CUTS = 20;
const REPORT_EVERY_BYTES = 1 << 20;

/**
 * Brings the file to `path`. Returns at once when it is already there with the right digest.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when the server does not answer, refuses, or stalls; the part is kept.
 * @throws TrainingError DATASET_INVALID when the whole file has another digest; nothing is kept.
 * @throws the signal's reason when aborted; the part is kept.
 */
export async function downloadFile(request: DownloadRequest): Promise<void> {
  const { url, path, md5 } = request;
  if ((await sizeOf(path)) > 0 && (await md5Of(path)) === md5) return;
  await makeFolder(dirname(path));
  const part = `${path}.part`;
  const resumedBytes = await sizeOf(part);
  await transferAll(request, part);
  let actual = await md5Of(part);
  if (actual !== md5 && resumedBytes > 0) {
    // The part of an earlier fetch may have been damaged (power loss): once more, from nothing.
    await rm(part, { force: true });
    await transferAll(request, part);
    actual = await md5Of(part);
  }
  if (actual !== md5) {
    const bytes = await sizeOf(part);
    await rm(part, { force: true });
    const problem = `${url} has md5 ${actual} over ${bytes} bytes, expected ${md5}; it was deleted, so fetch it again`;
    throw new TrainingError('DATASET_INVALID', problem);
  }
  await syncFile(part);
  await rename(part, path);
  await syncFolder(dirname(path));
}

async function transferAll(request: DownloadRequest, part: string): Promise<void> {
  for (let cuts = 0; ; cuts++) {
    const offset = await sizeOf(part);
    try {
      return await transfer(request, part, offset);
    } catch (caught) {
      request.signal?.throwIfAborted();
      // A cut is worth another request only when this one brought something: so the loop ends.
      if (cuts >= MAX_CUTS || (await sizeOf(part)) <= offset) {
        throw TrainingError.from(caught, 'DATASET_UNAVAILABLE');
      }
    }
  }
}

async function transfer(request: DownloadRequest, part: string, offset: number): Promise<void> {
  const { url, connectTimeoutMs, idleTimeoutMs, env = process.env, onBytes } = request;
  using deadline = startDeadline(connectTimeoutMs, `${url} did not answer within ${connectTimeoutMs} ms`);
  const signal = request.signal ? AbortSignal.any([request.signal, deadline.signal]) : deadline.signal;
  const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
  const init = { headers: { 'accept-encoding': 'identity', ...range }, signal };
  const response = await environmentFetch(url, init, env);
  // 416: there is nothing after what we have, so it is whole; its digest will tell.
  if (response.status === 416 && offset > 0) return void (await response.body?.cancel());
  const { start, total } = await extentOf(url, response, offset);
  const file = await open(part, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    let done = start;
    let reported = start;
    const idle = (): void => deadline.restart(idleTimeoutMs, `${url} sent nothing for ${idleTimeoutMs} ms`);
    idle();
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      done += await writeAt(file, piece, done);
      idle();
      if (done - reported < REPORT_EVERY_BYTES) continue;
      onBytes(done, total);
      reported = done;
    }
    onBytes(done, total);
    if (total !== null && done !== total) {
      throw new TrainingError('DATASET_UNAVAILABLE', `${url} ended after ${done} bytes, expected ${total}`);
    }
    await file.truncate(done);
  } finally {
    await file.close();
  }
}

/** Where the body begins in the file and how long the file is; a server without ranges begins at 0. */
async function extentOf(
  url: string,
  response: Response,
  offset: number,
): Promise<{ start: number; total: number | null }> {
  const length = response.headers.get('content-length');
  if (response.status === 200) return { start: 0, total: length === null ? null : Number(length) };
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (response.status === 206 && range !== null && Number(range[1]) === offset) {
    return { start: offset, total: range[2] === '*' ? null : Number(range[2]) };
  }
  await response.body?.cancel();
  const actual = `status ${response.status}${range === null ? '' : ` from byte ${range[1]}`}`;
  const problem = `${url} answered with ${actual}, expected 200, or 206 from byte ${offset}`;
  throw new TrainingError('DATASET_UNAVAILABLE', problem);
}

async function writeAt(file: FileHandle, piece: Uint8Array, position: number): Promise<number> {
  let written = 0;
  while (written < piece.length) {
    written += (await file.write(piece, written, piece.length - written, position + written)).bytesWritten;
  }
  return written;
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Ends the running deadline and starts another. */
  restart(timeoutMs: number, message: string): void;
}

function startDeadline(timeoutMs: number, message: string): Deadline {
  const controller = new AbortController();
  const start = (ms: number, text: string): NodeJS.Timeout =>
    setTimeout(() => controller.abort(new TrainingError('DATASET_UNAVAILABLE', text)), ms);
  let timer = start(timeoutMs, message);
  return {
    signal: controller.signal,
    restart(ms, text) {
      clearTimeout(timer);
      timer = start(ms, text);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return found?.size ?? 0;
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
