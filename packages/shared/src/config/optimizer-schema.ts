/**
 * The `optimizer` section: how an update is made of a gradient, and how large it is at each step. The arithmetic itself is in
 * the task package; docs/training.md specifies it.
 */
import { z } from 'zod';

/** Rules that make an update of a gradient. */
export const OPTIMIZER_NAMES = ['adamw', 'adam', 'sgd', 'lion'] as const;
export type OptimizerName = (typeof OPTIMIZER_NAMES)[number];

/** How the learning rate changes in the course of a run. */
export const SCHEDULE_NAMES = ['cosine', 'constant', 'linear', 'step', 'one-cycle'] as const;
export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

const fraction = z.number().min(0).max(1);

/**
 * What the keys that choose mean where nothing was chosen: AdamW with a cosine, the only ones that there were before these keys
 * existed. The momentum is the usual one; rate and steps of `step` are those of He et al. 2016 for CIFAR-10.
 */
export const ADAMW_WITH_COSINE = {
  name: 'adamw',
  momentum: 0.9,
  nesterov: false,
  schedule: 'cosine',
  scheduleSteps: [0.5, 0.75] as number[],
  scheduleFactor: 0.1,
} as const;

/** Values of keys that not every optimizer and schedule uses. The presets start from them. */
export const OPTIMIZER_DEFAULTS = {
  ...ADAMW_WITH_COSINE,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  finalShare: 0.01,
} as const;

export const optimizerSchema = z.strictObject({
  peakLearningRate: z.number().positive().describe('Learning rate at the end of the warm-up.'),
  warmupShare: fraction.describe(
    'Share of all steps spent warming up: linearly from 0, or along the cosine of `one-cycle`.',
  ),
  finalShare: fraction.describe('Share of the peak that the schedules `cosine`, `linear` and `one-cycle` end at.'),
  beta1: fraction.describe('Of adamw, adam and lion: what the first moment keeps of itself.'),
  beta2: fraction.describe(
    'Of adamw and adam: what the second moment keeps of itself; of lion: what the momentum does.',
  ),
  epsilon: z.number().positive().describe('Of adamw and adam: added to the root of the second moment.'),
  weightDecay: z.number().min(0).describe('Decay of weights; norms, biases and embeddings have none.'),
  clipNorm: z.number().min(0).describe('Global norm to which the gradient is clipped; 0 turns clipping off.'),
  labelSmoothing: fraction.describe('Share of a target that is spread over all classes.'),
  emaDecay: z
    .number()
    .min(0)
    .max(0.99999)
    .default(0)
    .describe('Decay of the exponential moving average of the weights, which is then evaluated. 0 keeps no average.'),
  name: z
    .enum(OPTIMIZER_NAMES)
    .default(ADAMW_WITH_COSINE.name)
    .describe('The rule that makes an update of a gradient.'),
  momentum: z
    .number()
    .min(0)
    .max(0.99999)
    .default(ADAMW_WITH_COSINE.momentum)
    .describe('Of `sgd`: what the buffer keeps of itself. 0 keeps no buffer.'),
  nesterov: z
    .boolean()
    .default(ADAMW_WITH_COSINE.nesterov)
    .describe(
      'Of `sgd`: the update looks one step of the momentum ahead (Nesterov 1983, as Sutskever et al. ' +
        '2013 write it).',
    ),
  schedule: z
    .enum(SCHEDULE_NAMES)
    .default(ADAMW_WITH_COSINE.schedule)
    .describe('How the learning rate changes in the course of a run.'),
  scheduleSteps: z
    .array(fraction)
    .min(1)
    .max(64)
    .default(() => [...ADAMW_WITH_COSINE.scheduleSteps])
    .describe('Of `step`: shares of the run after which the rate is multiplied by scheduleFactor.'),
  scheduleFactor: z
    .number()
    .positive()
    .max(1)
    .default(ADAMW_WITH_COSINE.scheduleFactor)
    .describe('Of step: what the rate is multiplied by.'),
});

export type OptimizerConfig = z.infer<typeof optimizerSchema>;

type Key = keyof typeof OPTIMIZER_DEFAULTS;

const ADAM_KEYS: readonly Key[] = ['beta1', 'beta2', 'epsilon'];

/** The keys that only some optimizers use, by optimizer. */
const KEYS_OF_OPTIMIZER: Readonly<Record<OptimizerName, readonly Key[]>> = {
  adamw: ADAM_KEYS,
  adam: ADAM_KEYS,
  sgd: ['momentum', 'nesterov'],
  lion: ['beta1', 'beta2'],
};

/** The keys that only some schedules use, by schedule. */
const KEYS_OF_SCHEDULE: Readonly<Record<ScheduleName, readonly Key[]>> = {
  cosine: ['finalShare'],
  constant: [],
  linear: ['finalShare'],
  step: ['scheduleSteps', 'scheduleFactor'],
  'one-cycle': ['finalShare'],
};

/** A key that is set and has no effect. */
export interface IdleKey {
  readonly key: Key;
  /** The key that chose something that does not use it, and the choice. */
  readonly chooser: 'name' | 'schedule';
  /** The choices that do use it. */
  readonly usedBy: readonly string[];
  readonly neutral: unknown;
}

/** The keys that the chosen optimizer and schedule do not use, and that say something else than they say by default. */
export function idleOptimizerKeys(config: OptimizerConfig): readonly IdleKey[] {
  return [...idleKeys(config, 'name', KEYS_OF_OPTIMIZER), ...idleKeys(config, 'schedule', KEYS_OF_SCHEDULE)];
}

function idleKeys(
  config: OptimizerConfig,
  chooser: IdleKey['chooser'],
  keysOf: Readonly<Record<string, readonly Key[]>>,
): IdleKey[] {
  const used = keysOf[config[chooser]]!;
  return [...new Set(Object.values(keysOf).flat())]
    .filter((key) => !used.includes(key) && !isNeutral(key, config[key]))
    .map((key) => ({
      key,
      chooser,
      usedBy: Object.keys(keysOf).filter((choice) => keysOf[choice]!.includes(key)),
      neutral: OPTIMIZER_DEFAULTS[key],
    }));
}

function isNeutral(key: Key, value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(OPTIMIZER_DEFAULTS[key]);
}
