/**
 * What can be completed on the command line: read from the commands themselves, so that no list of them is kept twice. How a
 * shell is told is in the file of that shell. Pure.
 */
import type { Command, Option } from 'commander';
import { NAMED_TASKS } from '@facet/lab/data';
import { configKeys, DATASETS, DEVICES, ENGINE_NAMES } from '@facet/shared';
import { PRESET_NAMES } from '@facet/multiview/config';

/** What stands in the place of a value. */
export type CompletedValue =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Names of runs, or files too. */
  | { readonly kind: 'runs' | 'files' | 'runs-or-files' }
  /** Something that only the user knows: a number, a new name. */
  | { readonly kind: 'free' };

export interface CompletedOption {
  /** `--workers`; with its short form, if it has one. */
  readonly flags: readonly string[];
  readonly about: string;
  /** Undefined where it takes none. */
  readonly value: CompletedValue | undefined;
}

export interface CompletedCommand {
  /** As it is typed, without `facet`: empty for the program itself, `runs show` for one below another. */
  readonly name: string;
  readonly about: string;
  readonly options: readonly CompletedOption[];
  /** What its arguments are; undefined where it takes none. */
  readonly argument: CompletedValue | undefined;
  /** Names of the commands right below it. */
  readonly below: readonly { readonly word: string; readonly about: string }[];
}

const FREE: CompletedValue = { kind: 'free' };

/** The program and every command below it, parents first. */
export function completedCommands(program: Command): readonly CompletedCommand[] {
  return commandsFrom(program, '');
}

function commandsFrom(command: Command, name: string): CompletedCommand[] {
  const below = command.commands.map((child) => ({ word: child.name(), about: firstSentence(child.description()) }));
  const own: CompletedCommand = {
    name,
    about: firstSentence(command.description()),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option) => completedOption(option, name)),
    argument: argumentOf(command, name),
    below,
  };
  const children = command.commands.flatMap((child) => commandsFrom(child, `${name} ${child.name()}`.trim()));
  return [own, ...children];
}

function completedOption(option: Option, command: string): CompletedOption {
  const { short, long, description } = option;
  const takesValue = option.required || option.optional;
  return {
    flags: [long, short].filter((flag) => flag !== undefined && flag !== null),
    about: firstSentence(description),
    value: takesValue ? valueOf(option, command) : undefined,
  };
}

function valueOf(option: Option, command: string): CompletedValue {
  if (option.argChoices !== undefined) return { kind: 'words', words: option.argChoices };
  switch (option.attributeName()) {
    case 'preset':
      return { kind: 'words', words: PRESET_NAMES };
    case 'dataset':
      return { kind: 'words', words: DATASETS };
    case 'engine':
      return { kind: 'words', words: ['auto', ...ENGINE_NAMES] };
    case 'device':
      return { kind: 'words', words: ['auto', ...DEVICES] };
    case 'set':
      return { kind: 'words', words: configKeys(NAMED_TASKS, NAMED_TASKS[0]).all.map((key) => `${key}=`) };
    case 'run':
      // A new name there, one that exists elsewhere.
      return ['up', 'coordinator'].includes(command) ? FREE : { kind: 'runs' };
    case 'from':
      return { kind: 'runs-or-files' };
    default:
      return /file|folder|dir|path/i.test(option.flags) ? { kind: 'files' } : FREE;
  }
}

function argumentOf(command: Command, name: string): CompletedValue | undefined {
  const [first] = command.registeredArguments;
  if (first === undefined) return undefined;
  if (first.argChoices !== undefined) return { kind: 'words', words: first.argChoices };
  if (/^run/.test(first.name()))
    return name.startsWith('runs') || ['resume', 'stop', 'checkpoint'].includes(name)
      ? { kind: 'runs' }
      : { kind: 'runs-or-files' };
  return /image|file|folder|path/i.test(first.name()) ? { kind: 'files' } : FREE;
}

/** One line without what a shell could take for its own. */
function firstSentence(text: string): string {
  return text
    .split(/[;\n]/)[0]!
    .replace(/[`'"$\\[\]]/g, '')
    .trim();
}
