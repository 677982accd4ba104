/**
 * The ranks of a world, one process each, whatever the script: it answers {kind: 'listen', rank} with {port}, then
 * {kind: 'join', rank, ports, ask} and {kind: 'steps', count}. A world stays open and idle while others are measured.
 */
import { openPeer, type PeerScript } from './peer-process.js';

export type RankQuestion<Ask> =
  | { readonly kind: 'listen'; readonly rank: number }
  /** Connects the ranks, for what `ask` says. */
  | { readonly kind: 'join'; readonly rank: number; readonly ports: readonly number[]; readonly ask: Ask }
  | { readonly kind: 'steps'; readonly rank: number; readonly count: number };

export type RankJoin<Ask> = Extract<RankQuestion<Ask>, { kind: 'join' }>;

export interface RankWorld<Ask> {
  /** Connects the ranks; what each of them answers is agreed with the script. */
  join<Joined>(ask: Ask): Promise<Joined[]>;
  /** Takes steps together. */
  steps<Steps>(count: number): Promise<Steps[]>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly name: string;
  readonly script: PeerScript;
  readonly worldSize: number;
  readonly signal: AbortSignal;
}

/** Starts the ranks and lets them listen. Rejects, with no process left, when one cannot start. */
export async function openRanks<Ask>({ name, script, worldSize, signal }: WorldOptions): Promise<RankWorld<Ask>> {
  const ranks = Array.from({ length: worldSize }, (_, rank) => openPeer(`${name}, rank ${rank}`, script, signal));
  /** Asks every rank at once; a question also says the rank. */
  const askAll = <Answer>(question: object): Promise<Answer[]> =>
    Promise.all(ranks.map((peer, rank) => peer.ask<Answer>({ ...question, rank })));
  const close = async (): Promise<void> => {
    await Promise.all(ranks.map((peer) => peer.close()));
  };
  try {
    const ports = (await askAll<{ port: number }>({ kind: 'listen' })).map(({ port }) => port);
    return {
      join: (ask) => askAll({ kind: 'join', ports, ask }),
      steps: (count) => askAll({ kind: 'steps', count }),
      close,
    };
  } catch (caught) {
    await close();
    throw caught;
  }
}

/** The values of every step, those of its slowest rank. */
export function slowest(lists: readonly (readonly number[])[]): number[] {
  return (lists[0] ?? []).map((_, step) => Math.max(...lists.map((values) => values[step]!)));
}
