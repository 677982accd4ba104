/**
 * The ranks of a world, one process each, whatever the script: it answers {kind: 'listen', rank} with {port}, then whatever
 * else it is asked. A world stays open and idle while others are measured.
 */
import { openPeer } from './peer-process.mjs';

/** Starts the ranks and lets them listen. Rejects, with no process left, when one cannot start. */
export async function openRanks(name, script, worldSize) {
  const ranks = Array.from({ length: worldSize }, (_, rank) => openPeer(`${name}, rank ${rank}`, script));
  /** Asks every rank at once; a question also says the rank. */
  const askAll = (question) => Promise.all(ranks.map((peer, rank) => peer.ask({ ...question, rank })));
  const close = async () => {
    await Promise.all(ranks.map((peer) => peer.close()));
  };
  try {
    const listening = await askAll({ kind: 'listen' });
    return { ports: listening.map(({ port }) => port), askAll, close };
  } catch (caught) {
    await close();
    throw caught;
  }
}

/** The values of every step, those of its slowest rank. */
export function slowest(lists) {
  return lists[0].map((_, step) => Math.max(...lists.map((list) => list[step])));
}
