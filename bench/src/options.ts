/**
 * Kinds of options, and how a command line becomes their values. What is wrong is said with the option's name, the value, and
 * what was expected.
 */
import { parseArgs } from 'node:util';
import type { OptionSpec, OptionSpecs } from './bench.js';

/** Options that every bench has. */
export const COMMON_OPTIONS = {
  json: flag('print one line of JSON instead of a table'),
  small: flag('take some seconds and measure nothing worth keeping'),
} as const;

/** What the caller typed cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function flag(about: string): OptionSpec<boolean> {
  return { about, parse: () => true, default: false };
}

export function text(placeholder: string, about: string): OptionSpec<string | undefined> {
  return { placeholder, about, parse: (value) => value, default: undefined };
}

/** A whole number from `least` on. */
export function count(about: string, values: { default: number; small?: number; least?: number }): OptionSpec<number> {
  const { least = 0, ...defaults } = values;
  return { placeholder: 'N', about, parse: wholeNumber(least), ...defaults };
}

/** A whole number that may be left out. */
export function optionalCount(
  about: string,
  { small, least = 0 }: { small?: number; least?: number } = {},
): OptionSpec<number | undefined> {
  return {
    placeholder: 'N',
    about,
    parse: wholeNumber(least),
    default: undefined,
    ...(small !== undefined && { small }),
  };
}

export interface ListOptions<T> {
  readonly default: readonly T[];
  readonly small?: readonly T[];
}

export function list<const T>(
  placeholder: string,
  about: string,
  parse: (item: string) => T,
  defaults: ListOptions<T>,
): OptionSpec<readonly T[]> {
  const parseAll = (value: string): readonly T[] => (value === '' ? [] : value.split(',').map(parse));
  return { placeholder, about, parse: parseAll, ...defaults };
}

export function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
    throw new RangeError(`a whole number from ${least}`);
  };
}

export function positiveNumber(value: string): number {
  const number = Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw new RangeError('a number above 0');
}

export function oneOf<const Names extends readonly string[]>(names: Names): (value: string) => Names[number] {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    throw new RangeError(`one of ${names.join(', ')}`);
  };
}

/**
 * The values of options, from what was typed, else from their defaults.
 *
 * @throws UsageError when an option is not known or its value cannot be meant
 */
export function parseOptions(
  specs: OptionSpecs,
  args: readonly string[],
): { readonly isJson: boolean; readonly isSmall: boolean; readonly values: Record<string, unknown> } {
  const all: OptionSpecs = { ...COMMON_OPTIONS, ...specs };
  const typed = readArgs(all, args);
  const isSmall = typed['small'] === true;
  const valueOf = (name: string, spec: OptionSpec<unknown>): unknown => {
    const value = typed[name];
    if (value === undefined) return isSmall && 'small' in spec ? spec.small : spec.default;
    if (value === true) return true;
    try {
      return spec.parse(value);
    } catch (caught) {
      throw new UsageError(`--${name} is '${value}', expected ${(caught as Error).message}`);
    }
  };
  const values = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, valueOf(name, spec)]));
  return { isJson: typed['json'] === true, isSmall, values };
}

function readArgs(specs: OptionSpecs, args: readonly string[]): Record<string, string | true | undefined> {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      { type: spec.placeholder === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options }).values as Record<string, string | true | undefined>;
  } catch (caught) {
    throw new UsageError((caught as Error).message);
  }
}
