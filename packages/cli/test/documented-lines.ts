/**
 * Command lines of the documentation against the program itself: a line of a code block is parsed as if somebody had typed
 * it, and nothing is run; for inline code, which may leave out what a command needs, only command and flags must exist.
 */
import { PassThrough } from 'node:stream';
import { CommanderError, type Command } from 'commander';
import type { OutputStream } from '../src/context.js';
import { createProgram } from '../src/program.js';

/** What makes the rest of a line a command of ours; variables may be set before it. */
const PREFIX = /^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx )?facet(?: |$)/;

/** The words after `facet`, or undefined when the text is no call of it. */
export function facetArguments(text: string): readonly string[] | undefined {
  const prefix = PREFIX.exec(text);
  if (prefix === null) return undefined;
  // Where the shell puts the output is none of the program's business.
  const rest = text.slice(prefix[0].length).replace(/ > \S+$/, '');
  return [...rest.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain!,
  );
}

/** What the program says against a whole command line, or undefined. */
export async function lineProblem(args: readonly string[]): Promise<string | undefined> {
  try {
    await newProgram().parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? undefined : error.message;
    throw error;
  }
}

/** What is wrong with the command and the flags of a shortened command line, or undefined; COMMAND stands for any. */
export function mentionProblem(args: readonly string[]): string | undefined {
  let command: Command = newProgram();
  let rest = [...args];
  while (command.commands.length > 0 && rest[0] !== undefined && !/^(-|COMMAND$)/.test(rest[0])) {
    const next = command.commands.find((known) => known.name() === rest[0]);
    if (next === undefined) return `'${command.name()}' has no command '${rest[0]}'`;
    command = next;
    rest = rest.slice(1);
  }
  const unknown = flagsOf(rest).find((flag) => !takes(command, flag));
  return unknown === undefined ? undefined : `'${command.name()}' has no flag '${unknown}'`;
}

/** The flags among words, without their values. */
export function flagsOf(words: readonly string[]): readonly string[] {
  return words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0]!);
}

/** Whether any command takes a flag. */
export function isKnownFlag(flag: string): boolean {
  const anyTakes = (command: Command): boolean => takes(command, flag) || command.commands.some(anyTakes);
  return anyTakes(newProgram());
}

function takes(command: Command, flag: string): boolean {
  return flag === '--help' || command.options.some(({ long, short }) => long === flag || short === flag);
}

function newProgram(): Command {
  const nowhere = new PassThrough().resume() as unknown as OutputStream;
  return createProgram({
    version: '0.0.0',
    run: () => Promise.resolve(),
    context: {
      env: {},
      stdout: nowhere,
      stderr: nowhere,
      stdin: new PassThrough(),
      onStopSignal: () => () => undefined,
      onCheckpointSignal: () => () => undefined,
      onParentGone: () => undefined,
      exit: (code) => {
        throw new Error(`the command line ended its process with ${code}`);
      },
    },
  });
}
