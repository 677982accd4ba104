/**
 * What the flags of `facet robustness` mean. Everything that is wrong is told at once and before anything is opened; the
 * dataset is not known yet, so the names of corruptions wait for {@link corruptionsNamed}.
 */
import { existsSync } from 'node:fs';
import { configSchema, suggestion, TrainingError, type DatasetShape } from '@facet/shared';
import type { Norm } from '@facet/multiview/config';
import { openCorruptionFolder } from '@facet/datasets';
import type { AttackChoice, AttackName } from '@facet/multiview';
import type { CorruptionChoice } from '@facet/lab';
import type { Device } from '@facet/engine';
import { mostThreads } from './classifier-place.js';

/** The flags as they were typed. */
export interface RobustnessFlags {
  readonly eps?: string;
  readonly norm?: string;
  readonly steps?: string;
  readonly restarts?: string;
  readonly queries?: string;
  readonly samples: string;
  readonly seed: string;
  readonly attacks: string;
  readonly corruptions: string;
  readonly device?: string;
  readonly threads: string;
}

export interface RobustnessSettings {
  readonly choice: AttackChoice;
  readonly samples: number;
  readonly seed: number;
  /** Undefined: as the run says. */
  readonly device: Device;
  readonly threads: number;
}

/** Names and limits that the worker package knows; an argument, so that flags are judged before it is loaded. */
export interface RobustnessNames {
  readonly attacks: readonly AttackName[];
  readonly norms: readonly Norm[];
}

const devices = configSchema.shape.engine.shape.device.exclude(['auto']);

/** Most of anything that is counted: beyond it is a slip of the finger. */
const MOST = 1_000_000;

/**
 * Reads the flags.
 *
 * @throws TrainingError CONFIG_INVALID with a line for every flag that is wrong.
 */
export function readRobustnessFlags(flags: RobustnessFlags, names: RobustnessNames): RobustnessSettings {
  const problems: string[] = [];
  const whole = (flag: string, text: string, least: number, most = MOST): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      problems.push(`--${flag}: '${text}', expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const optional = (flag: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : whole(flag, text, 1);
  const norms = normsIn(flags, names.norms, problems);
  const choice: AttackChoice = {
    attacks: attacksIn(flags.attacks, names.attacks, problems),
    norms,
    eps: flags.eps === undefined ? undefined : epsIn(flags.eps, norms, problems),
    steps: optional('steps', flags.steps),
    restarts: optional('restarts', flags.restarts),
    queries: optional('queries', flags.queries),
  };
  const device = devices.safeParse(flags.device ?? 'cpu');
  if (!device.success) {
    const expected = `expected one of ${devices.options.join(', ')}${suggestion(flags.device ?? '', devices.options)}`;
    problems.push(`--device: '${flags.device}', ${expected}`);
  }
  const settings = {
    choice,
    samples: whole('samples', flags.samples, 1),
    seed: whole('seed', flags.seed, 0),
    device: device.data ?? 'cpu',
    threads: whole('threads', flags.threads, 0, mostThreads()),
  };
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('\n'));
  return settings;
}

function attacksIn(text: string, known: readonly AttackName[], problems: string[]): AttackName[] {
  if (text === 'none') return [];
  const asked = listIn(text);
  for (const name of asked) {
    if ((known as readonly string[]).includes(name)) continue;
    problems.push(`--attacks: '${name}', expected none or some of ${known.join(', ')}${suggestion(name, known)}`);
  }
  return known.filter((name) => asked.includes(name));
}

/** One size means one norm: without --norm, --eps is a size in L-inf. */
function normsIn({ norm, eps }: RobustnessFlags, known: readonly Norm[], problems: string[]): Norm[] {
  if (norm === undefined) return eps === undefined ? [...known] : ['linf'];
  const found = known.filter((name) => name === norm);
  if (norm === 'both' && eps === undefined) return [...known];
  if (norm === 'both') {
    problems.push(`--norm: 'both' and one --eps, expected ${known.join(' or ')}: a size belongs to one norm`);
  } else if (found.length === 0) {
    problems.push(`--norm: '${norm}', expected ${known.join(', ')} or both${suggestion(norm, [...known, 'both'])}`);
  }
  return found;
}

/** The largest distance that makes sense: in L-inf white from black, in L2 that of every pixel of a small image. */
const LARGEST_EPS: Readonly<Record<Norm, number>> = { linf: 1, l2: 100 };

/** A number or a fraction, as in 8/255. */
function epsIn(text: string, norms: readonly Norm[], problems: string[]): number {
  const [numerator, denominator = '1', ...rest] = text.split('/');
  const eps = Number(numerator) / Number(denominator);
  const largest = LARGEST_EPS[norms[0] ?? 'linf'];
  const isNumber = rest.length === 0 && numerator?.trim() !== '' && denominator.trim() !== '';
  if (!isNumber || !(eps > 0 && eps <= largest)) {
    problems.push(
      `--eps: '${text}', expected a number above 0 and at most ${largest} in ${norms[0] ?? 'linf'}, in units of pixels from 0 to 1, as in 0.3 or 8/255`,
    );
  }
  return eps;
}

function listIn(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/**
 * Which corruptions `--corruptions` means: `standard`, `none`, names, or a folder with published files.
 *
 * @param known the names that can be generated for the dataset
 * @throws TrainingError CONFIG_INVALID when it is none of these; DATASET_UNAVAILABLE when the folder holds none.
 */
export async function corruptionsNamed(
  text: string,
  known: readonly string[],
  { image, classes }: DatasetShape,
): Promise<CorruptionChoice> {
  if (text === 'none') return { kind: 'none' };
  if (text === 'standard') return { kind: 'generated', names: 'standard' };
  const names = listIn(text);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return { kind: 'generated', names };
  if (existsSync(text)) return { kind: 'folder', folder: await openCorruptionFolder(text, { image, classes }) };
  const expected = `expected standard, none, a folder with .npy files, or some of ${known.join(', ')}`;
  throw new TrainingError(
    'CONFIG_INVALID',
    `--corruptions: '${unknown.join(', ')}' is neither a corruption of this dataset nor a folder, ${expected}${suggestion(unknown[0]!, [...known, 'standard', 'none'])}`,
  );
}
