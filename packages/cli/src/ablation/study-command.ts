/**
 * The command that runs a study again from nothing, as one writes it into a shell: only what differs from the defaults.
 * Where and how it is trained (workers, engine, broker) is left to whoever repeats it.
 */
import {
  ARM_NAMES,
  changedTrainingKeys,
  mergeMappings,
  PRESETS,
  valueAt,
  type PresetName,
  type TrainingConfig,
} from '@facet/shared';
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

/** A flag for every key that is neither as the preset nor as every study has it. */
function settingsOf(base: TrainingConfig): string[] {
  const preset = { ...PRESETS[base.preset as PresetName], preset: base.preset, seed: base.seed };
  const expected = mergeMappings(preset, STUDY_DEFAULTS) as TrainingConfig;
  return changedTrainingKeys(expected, base).map((key) => {
    const setting = `${key}=${textOf(valueAt(base, key.split('.')))}`;
    return `--set ${/^[\w.=,-]+$/.test(setting) ? setting : `'${setting}'`}`;
  });
}

/** As YAML reads it back; training keys hold names, numbers and lists of them. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
