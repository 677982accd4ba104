/**
 * Where a command runs a trained model: the flags --engine, --device and --threads, which mean the same to every command
 * that has them.
 */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { TrainingError, type EngineWish } from '@facet/shared';
import { DEVICE_ABOUT, ENGINE_ABOUT, readEngineFlags, type EngineFlags } from './engine-flags.js';

const THREADS_PER_CORE = 4;

export interface PlaceOptions extends EngineFlags {
  readonly threads?: string;
}

export interface Place {
  /** What was asked for; what is not in it stays as the run says. */
  readonly wish: Partial<EngineWish>;
  /** 0 takes all cores. */
  readonly threads: number;
}

/** Adds the flags. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--engine <name>', `${ENGINE_ABOUT} (default: as the run says)`)
    .option('--device <name>', `${DEVICE_ABOUT} (default: as the run says)`)
    .option('--threads <number>', 'threads to use; 0 takes all cores', '0');
}

/**
 * The most threads that are of any use here. Threads of an engine wait by spinning: with many more of them than cores nothing
 * gets done.
 */
export function mostThreads(cores = availableParallelism()): number {
  return THREADS_PER_CORE * cores;
}

/** @throws TrainingError CONFIG_INVALID naming every flag that is wrong, what it was and what was expected. */
export function readPlace(options: PlaceOptions): Place {
  const { threads = '0' } = options;
  const { wish, problems } = readEngineFlags(options);
  const count = Number(threads);
  const most = mostThreads();
  const isCount = threads.trim() !== '' && Number.isInteger(count) && count >= 0 && count <= most;
  const wrongCount = isCount ? [] : [`--threads: '${threads}', expected a whole number from 0 to ${most}`];
  const all = [...problems, ...wrongCount];
  if (all.length > 0) throw new TrainingError('CONFIG_INVALID', all.join('\n'));
  return { wish, threads: count };
}
