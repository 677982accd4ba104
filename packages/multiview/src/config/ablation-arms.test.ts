import { describe, expect, it } from 'vitest';
import { ABLATION_ARMS, ARM_NAMES, type ArmName } from './ablation-arms.js';
import { changedTrainingKeys, isMapping, mergeMappings, resolveConfig, shortKey, valueAt } from '@facet/shared';
import type { Mapping, NamedTasks } from '@facet/shared';
import { MULTI_VIEW } from './multi-view.js';
import { requireMultiView, type MultiView } from './options.js';
import { PRESET_NAMES, type PresetName } from './presets.js';

const tasks: NamedTasks = [MULTI_VIEW];

function resolved(preset: PresetName, sets: Mapping): MultiView {
  const resolution = resolveConfig({ tasks, environment: {}, flags: mergeMappings({ preset, run: 'arm' }, sets) });
  if (!resolution.ok) throw new Error(resolution.problems.join('; '));
  return requireMultiView(resolution.config, 'an arm');
}

/** Changed keys in their short form. */
function changes(before: MultiView, after: MultiView): string[] {
  return changedTrainingKeys(before, after).map((key) => shortKey(key, tasks));
}

function leaves(values: unknown, path: readonly string[] = []): string[] {
  if (!isMapping(values)) return [path.join('.')];
  return Object.entries(values).flatMap(([key, value]) => leaves(value, [...path, key]));
}

describe.each(PRESET_NAMES)('with preset %s', (preset) => {
  const base = resolved(preset, {});

  it.each(ARM_NAMES)('arm %s sets what it says and nothing else', (name) => {
    const { sets } = ABLATION_ARMS[name];
    const config = resolved(preset, sets);
    const keys = leaves(sets);
    for (const key of keys) expect(valueAt(config.task.options, key.split('.'))).toEqual(valueAt(sets, key.split('.')));
    expect(keys).toEqual(expect.arrayContaining(changes(base, config)));
  });

  it('arms with several views have as many slots, so that they have the same parameters and cost', () => {
    const slots = Object.fromEntries(
      ARM_NAMES.map((name) => [name, resolved(preset, ABLATION_ARMS[name].sets).task.options.model]),
    );
    const single = ARM_NAMES.filter((name) => slots[name]!.views.length !== 4);
    expect(single).toEqual(['no-injection', 'augmented', 'views-1']);
    for (const name of single) expect(slots[name]!.views).toEqual(['identity']);
  });

  it.each<[ArmName, readonly string[]]>([
    ['placebo', ['model.views']],
    ['ghosted', ['model.viewNorm']],
    ['shuffled', ['model.viewImages']],
    ['views-1', ['model.views']],
    ['views-2', ['model.views']],
    ['views-4', ['model.views']],
    ['weights-normalised', []],
    ['weights-raw', ['model.viewWeights']],
    ['weights-uniform', ['model.viewWeights']],
    ['cross', ['model.injection']],
    ['position-loss', ['model.auxiliary.relativePosition']],
    ['completion-loss', ['model.auxiliary.completion']],
  ])('arm %s differs from views-3 in %j', (name, keys) => {
    const three = resolved(preset, ABLATION_ARMS['views-3'].sets);
    expect(changes(three, resolved(preset, ABLATION_ARMS[name].sets))).toEqual(keys);
  });

  it('the augmented control sees plain images and differs from no views in the augmentation only', () => {
    const plain = resolved(preset, ABLATION_ARMS['no-injection'].sets);
    const augmented = resolved(preset, ABLATION_ARMS.augmented.sets);
    expect(changes(plain, augmented)).toEqual(['augmentation.rotateDegrees', 'augmentation.scaleShare']);
    // The zoom views are 1.25 and 0.8 of the image, the rotation 15 degrees.
    expect(1 + augmented.task.options.augmentation.scaleShare).toBe(1.25);
    expect(augmented.task.options.augmentation.rotateDegrees).toBe(15);
  });
});

it('no two arms are called the same thing, and arms that see one image only are controls', () => {
  expect(new Set(ARM_NAMES.map((name) => ABLATION_ARMS[name].about)).size).toBe(ARM_NAMES.length);
  const controls = ARM_NAMES.filter((name) => ABLATION_ARMS[name].role === 'control');
  expect(controls).toEqual(['no-injection', 'augmented', 'placebo', 'ghosted', 'shuffled', 'views-1']);
});
