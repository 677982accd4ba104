/** Long work on the event loop is cut into pieces, so that other work runs in between. */

/** Bytes that one peer may send or receive before other work has its turn. */
const TURN_BYTES = 1024 * 1024;

/** Resolves when other work has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Counts the bytes of one way. The returned function adds to the count, and says whether other work should have its turn. */
export function createTurns(): (bytes: number) => boolean {
  let sinceTurn = 0;
  return (bytes) => {
    sinceTurn += bytes;
    if (sinceTurn < TURN_BYTES) return false;
    sinceTurn = 0;
    return true;
  };
}
