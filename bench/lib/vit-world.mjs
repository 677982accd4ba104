/**
 * Two or more ranks that train the plain vision transformer together, ours (vit-rank.mjs) or PyTorch DDP (peers/ddp.py);
 * both speak the same questions. A world stays open and idle while the other one is measured.
 */
import { openRanks, slowest } from './rank-world.mjs';

/** Starts a world and connects its ranks. Rejects, with no process left, when a rank cannot start. */
export async function openWorld(name, script, { worldSize, ...ask }) {
  const { ports, askAll, close } = await openRanks(name, script, worldSize);
  try {
    const [{ parameters }] = await askAll({ kind: 'join', ports, ask });
    return {
      parameters,
      /** Milliseconds of each step, those of its slowest rank. */
      async steps(count) {
        const answers = await askAll({ kind: 'steps', count });
        requireSameWeights(name, answers);
        return slowest(answers.map((answer) => answer.milliseconds));
      },
      close,
    };
  } catch (caught) {
    await close();
    throw caught;
  }
}

function requireSameWeights(name, answers) {
  const found = new Set(answers.map(({ weightsCrc }) => weightsCrc));
  if (found.size > 1) throw new Error(`${name}: the ranks hold different weights: ${[...found].join(', ')}`);
}
