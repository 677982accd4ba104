/** A peer that does not work here is skipped, with its own words for the reason, and has no ratio. */
import type { BenchContext } from '../bench.js';

/** Opens a peer; undefined, with the reason said and noted, when it does not work here. */
export async function openOptional<T>(
  ratio: string,
  notes: string[],
  context: BenchContext,
  open: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await open();
  } catch (caught) {
    context.signal.throwIfAborted();
    const note = `skipped: ${(caught as Error).message}; the ratio ${ratio} is left out`;
    context.say(note);
    notes.push(note);
    return undefined;
  }
}
