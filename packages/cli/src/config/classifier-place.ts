/**
 * Where a command runs a trained model: the flags --device and --threads, which mean the same to every command that has
 * them.
 */
import type { Command } from 'commander';
import { configSchema, suggestion, TrainingError, type RunConfig } from '@facet/shared';

export interface PlaceOptions {
  readonly device?: string;
  readonly threads?: string;
}

export interface Place {
  /** Undefined: as the run says. */
  readonly device: RunConfig['engine']['device'] | undefined;
  /** 0 takes all cores. */
  readonly threads: number;
}

const devices = configSchema.shape.engine.shape.device;

/** Adds the two flags. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--device <name>', `${devices.options.join(', ')} (default: as the run says)`)
    .option('--threads <number>', 'threads to use; 0 takes all cores', '0');
}

/** @throws TrainingError CONFIG_INVALID naming the flag, what it was and what was expected. */
export function readPlace({ device, threads = '0' }: PlaceOptions): Place {
  const parsed = devices.optional().safeParse(device);
  if (!parsed.success) {
    const expected = `expected one of ${devices.options.join(', ')}${suggestion(device ?? '', devices.options)}`;
    throw new TrainingError('CONFIG_INVALID', `--device: '${device}', ${expected}`);
  }
  const count = Number(threads);
  if (threads.trim() === '' || !Number.isInteger(count) || count < 0) {
    throw new TrainingError('CONFIG_INVALID', `--threads: '${threads}', expected a whole number of at least 0`);
  }
  return { device: parsed.data, threads: count };
}
