/** The flag --max-restarts of the commands that start workers on this machine. */
import { InvalidArgumentError, type Command } from 'commander';

/** As torch.distributed.elastic has it: enough for what passes, few enough to end a launch whose workers always die. */
export const DEFAULT_MAX_RESTARTS = 3;

/** Adds the flag. */
export function addMaxRestartsOption(command: Command): Command {
  return command.option(
    '--max-restarts <number>',
    'workers to start in the place of others that died, over the whole run',
    readRestarts,
    DEFAULT_MAX_RESTARTS,
  );
}

function readRestarts(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 on.');
}
