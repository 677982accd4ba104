/**
 * Configurations as they were stored until configuration version 4: the options of the multi-view task stood at the top, and a
 * task was a module. Runs, checkpoints, models and plans of studies of that time still open, and their checksums still hold.
 */
import { isMapping, type Mapping } from './layers.js';

const FIRST_TASK = 'multiview';
const FIRST_OPTIONS: readonly string[] = ['model', 'augmentation', 'adversarial'];

/** Keys of the training half in their order at that time. A checksum is taken over JSON text, so their order is part of it. */
const FIRST_ORDER: readonly string[] = [
  'dataset',
  'preset',
  'seed',
  'arithmetic',
  'epochs',
  'samples',
  'evaluation',
  'batch',
  'model',
  'optimizer',
  'gradientFormat',
  'augmentation',
  'adversarial',
  'start',
  'freeze',
  'changes',
];

/** Every configuration had this section. With an eps of 0 it has no effect, and other tasks had it no other way. */
const IDLE_ADVERSARY = { norm: 'linf', eps: 0, steps: 7, stepSize: 0, share: 1 };

/** A stored configuration, or its training half, as it is stored today. Anything else comes back as it is. */
export function fromFirstForm(stored: unknown): unknown {
  if (!isMapping(stored)) return stored;
  if (isMapping(stored['task'])) return withoutIdleAdversary(stored);
  if (!isMapping(stored['model'])) return stored;
  const entries = Object.entries(stored);
  const options = Object.fromEntries(entries.filter(([key]) => FIRST_OPTIONS.includes(key)));
  const others = Object.fromEntries(entries.filter(([key]) => !FIRST_OPTIONS.includes(key)));
  return { ...others, task: { name: FIRST_TASK, options } };
}

/** A configuration of a module without the section `adversarial`, if it has no effect. */
export function withoutIdleAdversary(config: Mapping): Mapping {
  const { adversarial, ...others } = config;
  return isMapping(adversarial) && adversarial['eps'] === 0 ? others : config;
}

interface Task {
  readonly name?: string | undefined;
  readonly sha256?: string | undefined;
  readonly options: Mapping;
}

/** What a checksum of a training half is taken over: its members as they stood at that time. */
export function inFirstForm({ task, ...part }: { readonly task: Task } & Mapping): Mapping {
  if (task.name === FIRST_TASK) return inOrder({ ...part, ...task.options });
  const { name, sha256, options } = task;
  // Where a machine has the module decides nothing.
  const own = name === undefined ? { sha256, options } : { name, options };
  return { ...inOrder({ ...part, adversarial: IDLE_ADVERSARY }), task: own };
}

/** Keys of a later time come last. */
function inOrder(values: Mapping): Mapping {
  const later = Object.keys(values).filter((key) => !FIRST_ORDER.includes(key));
  const keys = [...FIRST_ORDER.filter((key) => Object.hasOwn(values, key)), ...later];
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}
