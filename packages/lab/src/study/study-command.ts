/**
 * The command line that repeats a study from nothing. It contains only what differs from the defaults, and nothing about
 * workers, engine and broker, which the user may choose.
 */
import { changedTrainingKeys, mergeMappings, valueAt, type TrainingConfig, shortKey } from '@facet/shared';
import { NAMED_TASKS } from '../tasks/named-tasks.js';
import { ARM_NAMES, PRESETS, type PresetName } from '@facet/multiview/config';
import { STUDY_DEFAULTS } from './study-defaults.js';
import type { StudyPlan } from './study-plan.js';

/** `facet ablate --study ... --preset ... --set ...` */
export function studyCommand({ study, base, arms, seeds, baseline }: StudyPlan): string {
  const names = arms.map(({ name }) => name);
  return [
    `facet ablate --study ${study} --preset ${base.preset}`,
    ...settingsOf(base),
    ...(names.join() === ARM_NAMES.join() ? [] : [`--arms ${names.join()}`]),
    `--seeds ${seeds.join()}`,
    `--baseline ${baseline}`,
  ].join(' ');
}

/** A flag for every key that differs from the preset and from the defaults of studies. */
function settingsOf(base: TrainingConfig): string[] {
  const preset = { ...PRESETS[base.preset as PresetName], preset: base.preset, seed: base.seed };
  const expected = mergeMappings(preset, STUDY_DEFAULTS) as TrainingConfig;
  return changedTrainingKeys(expected, base).map((key) => {
    const setting = `${shortKey(key, NAMED_TASKS)}=${textOf(valueAt(base, key.split('.')))}`;
    return `--set ${/^[\w.=,-]+$/.test(setting) ? setting : `'${setting}'`}`;
  });
}

/** As YAML reads it back; training keys hold names, numbers and lists of them. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
