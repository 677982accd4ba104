/**
 * Two or more ranks that train the plain vision transformer together, ours (vit-rank.mjs) or PyTorch DDP (peers/ddp.py);
 * both speak the same questions. A world stays open and idle while the other one is measured.
 */
import { openPeer } from './peer-process.mjs';

/** Starts a world and connects its ranks. Rejects, with no process left, when a rank cannot start. */
export async function openWorld(name, script, { worldSize, ...ask }) {
  const ranks = Array.from({ length: worldSize }, (_, rank) => openPeer(`${name}, rank ${rank}`, script));
  const askAll = (question) => Promise.all(ranks.map((peer, rank) => peer.ask({ ...question, rank })));
  const close = async () => {
    await Promise.all(ranks.map((peer) => peer.close()));
  };
  try {
    const listening = await askAll({ kind: 'listen' });
    const ports = listening.map(({ port }) => port);
    const [{ parameters }] = await askAll({ kind: 'join', ports, ask });
    return {
      parameters,
      /** Milliseconds of each step, those of its slowest rank. */
      async steps(count) {
        const answers = await askAll({ kind: 'steps', count });
        requireSameWeights(name, answers);
        return answers[0].milliseconds.map((_, step) => Math.max(...answers.map((a) => a.milliseconds[step])));
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
