/**
 * Predictions as text, one row per image with its three best guesses, and as JSON with all of them by name.
 */
import type { Guess, Prediction } from '@facet/lab';
import { formatAccuracy } from '@facet/lab/data';
import { tableLines } from './table.js';

const GUESSES_SHOWN = 3;

/** The table of all images that could be read; nothing when there is none. */
export function predictionLines(predictions: readonly Prediction[], classNames: readonly string[]): string[] {
  const rows = predictions.flatMap((prediction) => {
    if (!prediction.ok) return [];
    const { file, width, height, changes, guesses } = prediction;
    const cells = guesses
      .slice(0, GUESSES_SHOWN)
      .flatMap((guess) => [nameOf(guess, classNames), formatAccuracy(guess.probability)]);
    return [[file, ...cells, `${width}x${height}${changes.map((change) => `, ${change}`).join('')}`]];
  });
  if (rows.length === 0) return [];
  const header = ['image', 'answer', '', 'second', '', 'third', '', 'picture'];
  return tableLines({ header, rows, right: [2, 4, 6] });
}

/** A prediction as `--json` prints it: classes by name, every one of them, the most probable first. */
export function predictionJson(prediction: Prediction, classNames: readonly string[]): object {
  if (!prediction.ok) {
    const { code, message } = prediction.error;
    return { file: prediction.file, ok: false, error: { code, message } };
  }
  const { guesses, ...facts } = prediction;
  return {
    ...facts,
    guesses: guesses.map((guess) => ({ class: nameOf(guess, classNames), probability: guess.probability })),
  };
}

function nameOf(guess: Guess, classNames: readonly string[]): string {
  return classNames[guess.class] ?? String(guess.class);
}
