/**
 * Keeps apart what fails while content is put: the content's own source, or the store. What the source throws is the
 * caller's and comes back as it is; it is not asked for again.
 */
import type { Content } from './run-store.js';

class SourceFault extends Error {
  readonly source: unknown;

  constructor(source: unknown) {
    super('the source of a content failed');
    this.source = source;
  }
}

/** The pieces of a content, whose fault is marked. */
export async function* sourceOf(content: Content): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content.pieces();
  } catch (caught) {
    throw new SourceFault(caught);
  }
}

/** The same pieces as chunks of one size, the last one shorter. Each chunk is memory of its own. */
export async function* chunksOfSize(content: Content, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(Math.min(size, content.bytes));
  let filled = 0;
  for await (const piece of sourceOf(content)) {
    for (let at = 0; at < piece.byteLength;) {
      if (filled === chunk.byteLength) {
        if (filled > 0) yield chunk;
        chunk = new Uint8Array(size);
        filled = 0;
      }
      const length = Math.min(chunk.byteLength - filled, piece.byteLength - at);
      chunk.set(piece.subarray(at, at + length), filled);
      filled += length;
      at += length;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** Calls `act`, and translates what the store throws. */
export async function storing<T>(act: () => Promise<T>, translate: (caught: unknown) => unknown): Promise<T> {
  try {
    return await act();
  } catch (caught) {
    if (caught instanceof SourceFault) throw caught.source;
    throw translate(caught);
  }
}
