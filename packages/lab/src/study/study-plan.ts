/**
 * The plan of a study: a base configuration, arms, seeds, and from them the trials in the order in which they are trained.
 * Two arms with the same configuration are one trial per seed. Pure; reading, writing and training are elsewhere.
 */
import { createHash } from 'node:crypto';
import {
  canonicalJson,
  changedTrainingKeys,
  suggestion,
  TrainingError,
  trainingIdentity,
  type TrainingConfig,
  mergeMappings,
  shortKey,
} from '@facet/shared';
import { NAMED_TASKS } from '../tasks/named-tasks.js';
import { ABLATION_ARMS, ARM_NAMES, type ArmName } from '@facet/multiview/config';

export interface PlannedArm {
  readonly name: ArmName;
  /** SHA-256 of its training configuration without the seed. */
  readonly key: string;
}

/** plan.json */
export interface StudyPlan {
  readonly version: 1;
  readonly study: string;
  /** The base configuration of all arms. Its seed is not used. */
  readonly base: TrainingConfig;
  readonly arms: readonly PlannedArm[];
  readonly seeds: readonly number[];
  /** The arm that differences are taken against. */
  readonly baseline: ArmName;
}

/** One training of a study. */
export interface Trial {
  /** Name of its run. */
  readonly name: string;
  readonly arm: ArmName;
  readonly key: string;
  readonly seed: number;
}

const MAX_SEEDS = 100;

/**
 * Reads `--arms`.
 *
 * @throws TrainingError CONFIG_INVALID naming what is no arm or occurs twice.
 */
export function readArms(text: string): ArmName[] {
  const names = partsOf(text, '--arms').map((part) => {
    const name = ARM_NAMES.find((known) => known === part);
    if (name !== undefined) return name;
    throw invalid(
      `--arms: there is no arm '${part}', expected some of ${ARM_NAMES.join(', ')}${suggestion(part, ARM_NAMES)}`,
    );
  });
  requireDistinct(names, '--arms');
  return names;
}

/**
 * Reads `--seeds`: `1,2,3` or `1-5`.
 *
 * @throws TrainingError CONFIG_INVALID naming what is no seed or occurs twice.
 */
export function readSeeds(text: string): number[] {
  const seeds = partsOf(text, '--seeds').flatMap((part) => {
    const range = /^(\d{1,9})-(\d{1,9})$/.exec(part);
    if (range === null && !/^\d{1,9}$/.test(part)) {
      throw invalid(`--seeds: '${part}', expected whole numbers as in 1,2,3 or a range as in 1-5`);
    }
    const [first, last] = range === null ? [Number(part), Number(part)] : [Number(range[1]), Number(range[2])];
    if (last < first || last - first >= MAX_SEEDS) {
      throw invalid(`--seeds: '${part}', expected a range of 1 to ${MAX_SEEDS} seeds, the smaller one first`);
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  requireDistinct(seeds, '--seeds');
  return seeds;
}

/** @throws TrainingError CONFIG_INVALID when the baseline is none of the arms. */
export function requireBaseline(name: string, arms: readonly ArmName[]): ArmName {
  const baseline = arms.find((arm) => arm === name);
  if (baseline !== undefined) return baseline;
  throw invalid(
    `--baseline: '${name}', expected one of the arms of the study: ${arms.join(', ')}${suggestion(name, arms)}`,
  );
}

/** A base configuration with what an arm sets. */
export function withArm<Base extends TrainingConfig>(base: Base, arm: ArmName): Base {
  return mergeMappings({ ...base }, { task: { options: ABLATION_ARMS[arm].sets } }) as Base;
}

/** The dotted options that any of the arms sets. */
export function keysSetBy(arms: readonly ArmName[]): string[] {
  return [...new Set(arms.flatMap((arm) => leaves(ABLATION_ARMS[arm].sets)))];
}

/** SHA-256 of a training configuration without its seed: what makes two arms the same. */
export function armKey(config: TrainingConfig): string {
  const { seed: _, ...identity } = trainingIdentity(config);
  return createHash('sha256').update(canonicalJson(identity)).digest('hex');
}

/** The trials, seed by seed, so that a study that is stopped half-way has pairs. */
export function trialsOf({ arms, seeds }: StudyPlan): Trial[] {
  const owners = arms.filter(({ key }, index) => arms.findIndex((other) => other.key === key) === index);
  return seeds.flatMap((seed) =>
    owners.map(({ name, key }) => ({ name: `${name}-seed-${seed}`, arm: name, key, seed })),
  );
}

/**
 * The plan of a study that goes on. Arms and seeds may be added. The meaning of a trained trial must not change.
 *
 * @throws TrainingError STUDY_CHANGED saying what differs.
 */
export function extendPlan(before: StudyPlan, wanted: StudyPlan): StudyPlan {
  const advice = 'or choose another name with --study';
  const changed = changedTrainingKeys({ ...before.base, seed: 0 }, { ...wanted.base, seed: 0 });
  if (changed.length > 0) {
    throw new TrainingError(
      'STUDY_CHANGED',
      `study ${before.study} was planned with another ${changed.map((key) => shortKey(key, NAMED_TASKS)).join(', ')}; leave it out to go on (a key that is not said now is new in this version), ${advice}`,
    );
  }
  for (const { name, key } of wanted.arms) {
    const planned = before.arms.find((arm) => arm.name === name);
    if (planned === undefined || planned.key === key) continue;
    throw new TrainingError(
      'STUDY_CHANGED',
      `arm ${name} of study ${before.study} is another one in this version; go on with the version that planned it, ${advice}`,
    );
  }
  const isNewArm = ({ name }: PlannedArm): boolean => !before.arms.some((arm) => arm.name === name);
  return {
    ...before,
    arms: [...before.arms, ...wanted.arms.filter(isNewArm)],
    seeds: [...before.seeds, ...wanted.seeds.filter((seed) => !before.seeds.includes(seed))],
    baseline: wanted.baseline,
  };
}

function partsOf(text: string, flag: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw invalid(`${flag}: '${text}', expected a list separated by commas without gaps`);
  return parts;
}

function requireDistinct(values: readonly (string | number)[], flag: string): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw invalid(`${flag}: ${twice} is given twice, expected it once`);
}

function leaves(values: unknown, prefix = ''): string[] {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return [prefix];
  return Object.entries(values).flatMap(([key, value]) => leaves(value, prefix === '' ? key : `${prefix}.${key}`));
}

function invalid(message: string): TrainingError {
  return new TrainingError('CONFIG_INVALID', message);
}
