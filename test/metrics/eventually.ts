/** Waiting for something that other processes bring about: asked again and again, never longer than a deadline. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/**
 * Asks until there is an answer.
 *
 * @param claim what is waited for, for the message of the failure
 * @param probe gives undefined, or throws, as long as it has not come true
 */
export async function eventually<T>(claim: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    let last: unknown;
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (caught) {
      last = caught;
    }
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${claim}`, { cause: last });
    await delay(POLL_MS);
  }
}
