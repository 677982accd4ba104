/**
 * Memory that two workers of one host share: a ring of bytes. One worker writes the values of frames into it, the other reads
 * them. The ring is a file without a name in the system's memory. The reader makes it, and the writer opens it through `/proc`.
 * So nothing is left of it when its process dies, however it dies. Free room and new data are announced over the socket that
 * belongs to the ring.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, statSync, unlinkSync, writeSync, type Stats } from 'node:fs';

/** Where Linux keeps files in memory. */
const FOLDER = '/dev/shm';

/** How a process finds the ring of another one. */
export interface RingOffer {
  readonly pid: number;
  readonly fd: number;
  /** Length of the ring. */
  readonly bytes: number;
}

/** There is no ring. */
export const NO_OFFER: RingOffer = { pid: 0, fd: 0, bytes: 0 };

export interface RingBuffer {
  readonly offer: RingOffer;
  /** Writes values at a position, which counts on from one lap to the next; not longer than the ring. */
  write(position: number, values: Uint8Array): void;
  /** Fills a place from a position. */
  read(position: number, place: Uint8Array): void;
  close(): void;
}

/** Makes a ring whose whole memory is there; undefined where the system has no such memory, or not so much of it. */
export function createRingBuffer(bytes: number, token: string): RingBuffer | undefined {
  if (process.platform !== 'linux') return undefined;
  let fd: number | undefined;
  try {
    const path = `${FOLDER}/facet-${randomBytes(12).toString('hex')}`;
    fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    // Memory that was never written is not allocated yet, and later there may be no room for it.
    writeWhole(fd, Buffer.alloc(bytes), 0);
    writeWhole(fd, Buffer.from(token), bytes);
    return ringOf({ pid: process.pid, fd, bytes });
  } catch {
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }
}

/** Opens the ring of another process; undefined when there is none, or one that was made for another token. */
export function openRingBuffer({ pid, fd: theirs, bytes }: RingOffer, token: string): RingBuffer | undefined {
  if (bytes === 0) return undefined;
  const path = `/proc/${pid}/fd/${theirs}`;
  const isRing = (stats: Stats): boolean => stats.isFile() && stats.size === bytes + token.length;
  let fd: number | undefined;
  try {
    // Opening a terminal or a pipe would have consequences.
    if (!isRing(statSync(path))) return undefined;
    fd = openSync(path, 'r+');
    const mark = Buffer.alloc(token.length);
    // A process of another container may have the same number.
    if (isRing(fstatSync(fd))) readSync(fd, mark, 0, mark.length, bytes);
    if (mark.toString('latin1') === token) return ringOf({ pid, fd, bytes });
    closeSync(fd);
    return undefined;
  } catch {
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }
}

function ringOf(offer: RingOffer): RingBuffer {
  const { fd, bytes } = offer;
  let isOpen = true;
  /** Both parts of what goes over the end of the ring. */
  const parts = (position: number, values: Uint8Array): [number, Uint8Array][] => {
    const start = position % bytes;
    const tail = bytes - start;
    if (values.length <= tail) return [[start, values]];
    return [
      [start, values.subarray(0, tail)],
      [0, values.subarray(tail)],
    ];
  };
  return {
    offer,
    write(position, values) {
      for (const [at, part] of parts(position, values)) writeWhole(fd, part, at);
    },
    read(position, place) {
      for (const [at, part] of parts(position, place)) {
        const count = readSync(fd, part, 0, part.length, at);
        if (count !== part.length)
          throw new Error(`${count} bytes of shared memory were read, expected ${part.length}`);
      }
    },
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function writeWhole(fd: number, values: Uint8Array, at: number): void {
  const count = writeSync(fd, values, 0, values.length, at);
  if (count !== values.length)
    throw new Error(`${count} bytes of shared memory were written, expected ${values.length}`);
}
