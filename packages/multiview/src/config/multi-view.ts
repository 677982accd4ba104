/** The multi-view task as configurations name it. */
import type { DatasetFamily, NamedTask } from '@facet/shared';
import { PUBLISHED_ADVERSARIES } from './adversarial-schema.js';
import { MULTI_VIEW_NAME, multiViewOptionsSchema } from './options.js';
import { optionProblems } from './option-problems.js';
import { PRESET_NAMES, PRESETS, type PresetName } from './presets.js';

/** The preset of a family's datasets where none is named. */
const USUAL: Readonly<Record<DatasetFamily, PresetName>> = { mnist: 'mnist-fast', cifar10: 'cifar10-fast' };

export const MULTI_VIEW: NamedTask = {
  name: MULTI_VIEW_NAME,
  title: 'the multi-view model',
  options: multiViewOptionsSchema,
  presets: PRESETS,
  presetsFor({ family }) {
    const others = PRESET_NAMES.filter((name) => PRESETS[name].dataset === family && name !== USUAL[family]);
    return [USUAL[family], ...others];
  },
  attacked: (dataset) => ({ adversarial: PUBLISHED_ADVERSARIES[dataset?.family ?? 'mnist'] }),
  problems: optionProblems,
};
