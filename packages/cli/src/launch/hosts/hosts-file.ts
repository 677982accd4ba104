/**
 * hosts.txt: one host per line, as `ssh` takes it, with `slots=N` for how many workers run there. `#` begins a comment. A line
 * is never taken for an option of ssh.
 */
import { readRegularText, TrainingError } from '@facet/shared';

/** A host as the file names it. */
export interface HostEntry {
  /** What ssh is given: a name of `~/.ssh/config`, `user@host`, an address, `ssh://host:port`. */
  readonly name: string;
  /** Workers to start there. */
  readonly slots: number;
}

const MOST_BYTES = 64 * 1024;
const MOST_HOSTS = 256;
const MOST_SLOTS = 256;
const NAME = /^[A-Za-z0-9_[][\w.:@%/+[\]-]{0,254}$/;
const SLOTS = /^slots=(\d{1,3})$/;

/**
 * Reads a file of hosts.
 *
 * @param slots workers of a host whose line does not say
 * @throws TrainingError CONFIG_INVALID with every line that is wrong.
 */
export async function readHostsFile(file: string, slots: number): Promise<HostEntry[]> {
  let text: string;
  try {
    text = await readRegularText(file, MOST_BYTES);
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    const fault = code === 'ENOENT' ? 'there is no such file' : message;
    throw new TrainingError('CONFIG_INVALID', `--hosts: ${file}: ${fault}; expected one host per line`, {
      cause: caught,
    });
  }
  return parseHosts(text, { file, slots });
}

/** @throws TrainingError CONFIG_INVALID with every line that is wrong. */
export function parseHosts(
  text: string,
  { file, slots }: { readonly file: string; readonly slots: number },
): HostEntry[] {
  const problems: string[] = [];
  const entries = new Map<string, HostEntry>();
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (words[0] === '') continue;
    const entry = readLine(words, slots);
    const fault = typeof entry === 'string' ? entry : entries.has(entry.name) ? twice(entry) : undefined;
    if (fault !== undefined) problems.push(`${file}:${index + 1}: ${fault}`);
    else if (typeof entry !== 'string') entries.set(entry.name, entry);
  }
  if (problems.length === 0 && entries.size === 0) problems.push(`${file} names no host, expected one per line`);
  if (entries.size > MOST_HOSTS) problems.push(`${file} names ${entries.size} hosts, expected at most ${MOST_HOSTS}`);
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', `--hosts: ${problems.join('\n')}`);
  return [...entries.values()];
}

function twice({ name }: HostEntry): string {
  return `'${name}' stands there twice; say slots=N for several workers`;
}

/** A line's host, or what is wrong with it. */
function readLine([name = '', ...options]: readonly string[], slots: number): HostEntry | string {
  if (!NAME.test(name)) return `'${name}', expected a host as ssh takes it, such as train-1 or user@10.0.0.6`;
  let own = slots;
  for (const option of options) {
    own = Number(SLOTS.exec(option)?.[1] ?? Number.NaN);
    if (!(own >= 1 && own <= MOST_SLOTS)) {
      return `'${option}' after ${name}, expected nothing or slots=N with N from 1 to ${MOST_SLOTS}`;
    }
  }
  return { name, slots: own };
}
