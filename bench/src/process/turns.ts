/** Measurements take turns, so that all of them meet the same machine. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Runs measurements by name, one after the other, several times over; the samples of each. A signal is heard between two.
 *
 * @throws the signal's reason when it is aborted
 */
export async function takeTurns<Names extends string, Sample>(
  measurements: Readonly<Record<Names, () => Promise<Sample> | Sample>>,
  turns: number,
  signal: AbortSignal,
): Promise<Record<Names, Sample[]>> {
  const names = Object.keys(measurements) as Names[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Names, Sample[]>;
  for (let turn = 0; turn < turns; turn++) {
    for (const name of names) {
      await nextTurn();
      signal.throwIfAborted();
      samples[name].push(await measurements[name]());
    }
  }
  return samples;
}
