/** The event loop is everybody's: what could keep it for itself lets others have their turn in between. */

/** Bytes that one peer may send or take before others come first, as fast as the two of them may be. */
const TURN_BYTES = 1024 * 1024;

/** Resolves when everybody else has had a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Counts the bytes of one way; what it returns is told how many more there were and says whether it is the turn of others. */
export function createTurns(): (bytes: number) => boolean {
  let sinceTurn = 0;
  return (bytes) => {
    sinceTurn += bytes;
    if (sinceTurn < TURN_BYTES) return false;
    sinceTurn = 0;
    return true;
  };
}
