/**
 * Two or more ranks that train the plain vision transformer together, ours (vit-rank.ts) or PyTorch DDP (peers/ddp.py);
 * both speak the same questions. A world stays open and idle while the other one is measured.
 */
import { openRanks, slowest, type WorldOptions } from '../process/rank-world.js';
import type { VitConfig } from './vit-config.js';

export interface VitAsk {
  readonly config: VitConfig;
  readonly imagesPerRank: number;
  /** PyTorch takes all images of a rank at once. */
  readonly microBatch: number;
}

export interface VitJoined {
  readonly parameters: number;
}

export interface VitSteps {
  readonly milliseconds: readonly number[];
  /** Mean loss of the last step; PyTorch's is that of one rank. */
  readonly loss: number;
  /** Absent for PyTorch. */
  readonly weightsCrc?: string;
}

export interface VitWorld extends VitJoined {
  /** Milliseconds of each step, those of its slowest rank. */
  steps(count: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Starts a world and connects its ranks. Rejects, with no process left, when a rank cannot start. */
export async function openVitWorld(options: WorldOptions, ask: VitAsk): Promise<VitWorld> {
  const world = await openRanks<VitAsk>(options);
  try {
    const [joined] = await world.join<VitJoined>(ask);
    if (joined === undefined) throw new RangeError(`a world of ${options.worldSize} ranks, expected at least one`);
    return {
      parameters: joined.parameters,
      async steps(count) {
        const answers = await world.steps<VitSteps>(count);
        requireSameWeights(options.name, answers);
        return slowest(answers.map(({ milliseconds }) => milliseconds));
      },
      close: () => world.close(),
    };
  } catch (caught) {
    await world.close();
    throw caught;
  }
}

function requireSameWeights(name: string, answers: readonly VitSteps[]): void {
  const found = new Set(answers.map(({ weightsCrc }) => weightsCrc));
  if (found.size > 1) throw new Error(`${name}: the ranks hold different weights: ${[...found].join(', ')}`);
}
