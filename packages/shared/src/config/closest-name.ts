/**
 * "Did you mean": the known name that is most like a mistyped one. If none is close enough there is no suggestion: a short
 * name may differ by one edit, a long one by three.
 */

const MAX_EDITS = 3;

/** The known name that is closest to a mistyped one, if any is close enough; upper and lower case count as equal. */
export function closestName(name: string, known: Iterable<string>): string | undefined {
  const typed = name.toLowerCase();
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = editDistance(typed, candidate.toLowerCase());
    const allowed = Math.min(MAX_EDITS, Math.max(1, Math.floor(candidate.length / 3)));
    if (edits <= allowed && edits < candidate.length && (best === undefined || edits < best.edits)) {
      best = { name: candidate, edits };
    }
  }
  return best?.name;
}

/** `; did you mean NAME?`, or nothing. */
export function suggestion(name: string, known: Iterable<string>): string {
  const closest = closestName(name, known);
  return closest === undefined ? '' : `; did you mean ${closest}?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other. */
export function editDistance(from: string, to: string): number {
  // Three rows of the usual table: the swap of two neighbours looks back two rows.
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      let edits = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + cost);
      const isSwap =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1] && cost === 1;
      if (isSwap) edits = Math.min(edits, beforePrevious[column - 2]! + 1);
      current.push(edits);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}
