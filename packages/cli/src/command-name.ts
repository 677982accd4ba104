/**
 * How the person at the terminal starts this command. Messages say `facet`, which is on no PATH in a checkout; they are
 * printed with what works where they are read.
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Environment, OutputStream } from './context.js';

export interface Invocation {
  /** The script that Node runs, as it was given. */
  readonly script: string;
  /** The file of the `facet` command, without links. */
  readonly launcher: string;
  readonly cwd: string;
  readonly env: Environment;
}

const BIN_FOLDER = path.join('node_modules', '.bin');
/** Where npx puts a package that is installed nowhere else. */
const NPX_CACHE = `${path.sep}_npx${path.sep}`;
/** What a shell takes as it is. */
const PLAIN = /^[\w./@+-]+$/;
/** The command in backticks, after a colon, or alone at the beginning of a line. */
const MENTION = /(?<=`|: |^ *| {4})facet(?= [a-z])/gm;

/**
 * `facet`, `npx facet`, `npx facet-train` (by the name of the package) or `node` with the path of the command: whichever
 * starts it from the current folder.
 */
export function commandName({ script, launcher, cwd, env }: Invocation): string {
  // npm puts the folder of a checkout's commands on the PATH of what it starts, and of that alone.
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => !folder.endsWith(BIN_FOLDER));
  if (folders.some((folder) => isLauncher(path.join(folder, 'facet'), launcher))) return 'facet';
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (isLauncher(path.join(folder, BIN_FOLDER, 'facet'), launcher)) return 'npx facet';
    if (folder === path.dirname(folder)) break;
  }
  if (launcher.includes(NPX_CACHE)) return 'npx facet-train';
  const relative = path.relative(cwd, script);
  const shown = relative.startsWith('..') ? script : relative;
  return PLAIN.test(shown) ? `node ${shown}` : 'facet';
}

/** The text with every mention of a `facet` command as it can be typed. */
export function withCommandName(text: string, name: string): string {
  return name === 'facet' ? text : text.replace(MENTION, name);
}

/** A stream that prints mentions of the command as they can be typed. */
export function namingStream(stream: OutputStream, name: string): OutputStream {
  if (name === 'facet') return stream;
  const writeTo = stream.write.bind(stream) as (...args: unknown[]) => unknown;
  const write = (text: string | Uint8Array, ...rest: unknown[]): unknown =>
    writeTo(typeof text === 'string' ? withCommandName(text, name) : text, ...rest);
  return new Proxy(stream, {
    get(target, key) {
      if (key === 'write') return write;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function isLauncher(file: string, launcher: string): boolean {
  try {
    return existsSync(file) && realpathSync(file) === launcher;
  } catch {
    return false;
  }
}
