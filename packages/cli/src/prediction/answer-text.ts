/** Answers of a model as JSON and as cells of a table. Pure. */
import type { SampleAnswer } from '@facet/lab';

/** An answer with classes by name, the most probable first; or its numbers. */
export function answerJson({ guesses, values, shape }: SampleAnswer, classes: readonly string[]): object {
  if (guesses !== undefined) {
    return { guesses: guesses.map(({ class: index, probability }) => ({ class: classes[index]!, probability })) };
  }
  return { prediction: shape.length === 0 || values.length === 1 ? values[0]! : [...values] };
}

/** The columns of `answerCells`: the answer and the probability of every class, or a column for each number. */
export function answerColumns(answer: SampleAnswer | undefined, classes: readonly string[]): string[] {
  if (answer === undefined) return ['prediction'];
  if (answer.guesses !== undefined) return ['answer', ...classes];
  return answer.values.length === 1 ? ['prediction'] : [...answer.values].map((_, at) => `prediction ${at}`);
}

/** One row of a table, numbers with all their digits. */
export function answerCells({ guesses, values }: SampleAnswer, classes: readonly string[]): string[] {
  if (guesses === undefined) return [...values].map(String);
  const probabilities = classes.map((_, index) => guesses.find((guess) => guess.class === index)!.probability);
  return [classes[guesses[0]!.class]!, ...probabilities.map(String)];
}

/** A row as text after RFC 4180: cells with separators, quotes or line ends are quoted. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
