/**
 * What the changes of a run mean: the configuration that it was started with, and for every step the values that hold there.
 * A step that is computed again gets the values that it had, so it gives the same bits. docs/training.md says the same in words.
 */
import type { RunChange, ScheduleWay } from './change-schema.js';
import { canonicalJson } from './canonical-json.js';
import type { OptimizerConfig } from './optimizer-schema.js';
import type { TrainingConfig } from './schema.js';

/** The part of a configuration that changes may reach. */
export type Changeable = Pick<TrainingConfig, 'epochs' | 'optimizer' | 'changes'>;

type ChangedValues = Pick<TrainingConfig, 'epochs' | 'optimizer'>;

/** What the update of one step uses. */
export interface StepRule {
  readonly optimizer: OptimizerConfig;
  /** Where the step is in the schedule of the learning rate: `step` of `totalSteps`, from 1 on. */
  readonly schedule: { readonly step: number; readonly totalSteps: number };
}

/** The configuration without its changes, as the run was started. */
export function asStarted<Config extends Changeable>(config: Config): Config {
  const values = config.changes.toReversed().reduce((after, change) => withValues(after, change, 'from'), config);
  return config.changes.length === 0 ? config : { ...values, changes: [] };
}

/** The configuration with one more change. */
export function withChange<Config extends Changeable>(config: Config, change: RunChange): Config {
  return { ...withValues(config, change, 'to'), changes: [...config.changes, change] };
}

/**
 * The change that leads from one configuration to another.
 *
 * @param afterStep the last step of the values before
 * @param schedule what the schedule does from there on
 */
export function changeBetween(
  before: Changeable,
  after: Changeable,
  { afterStep, schedule }: { readonly afterStep: number; readonly schedule: ScheduleWay | undefined },
): RunChange {
  const optimizer = Object.fromEntries(
    CHANGEABLE_OPTIMIZER_KEYS.filter((key) => before.optimizer[key] !== after.optimizer[key]).map((key) => [
      key,
      { from: before.optimizer[key], to: after.optimizer[key] },
    ]),
  );
  return {
    afterStep,
    ...(before.epochs !== after.epochs && { epochs: { from: before.epochs, to: after.epochs } }),
    ...(Object.keys(optimizer).length > 0 && { optimizer }),
    ...(schedule !== undefined && { schedule }),
  };
}

/** Keys of the optimizer that a resume may change. */
export const CHANGEABLE_OPTIMIZER_KEYS = ['peakLearningRate', 'finalShare', 'weightDecay', 'clipNorm'] as const;

/** Dotted keys that a resume may change. */
export const CHANGEABLE_KEYS: readonly string[] = [
  'epochs',
  ...CHANGEABLE_OPTIMIZER_KEYS.map((key) => `optimizer.${key}`),
];

/**
 * The values that a step has, and its place in the schedule. After `hold` the schedule stays as long as it was: steps beyond its end
 * are at its last step. After `stretch` it has its end where the run has. After `restart` it begins again.
 *
 * @param step from 1
 */
export function stepRule(config: Changeable, stepsPerEpoch: number, step: number): StepRule {
  const started = asStarted(config);
  let values: ChangedValues = started;
  let span = { origin: 0, steps: started.epochs * stepsPerEpoch };
  for (const change of config.changes) {
    if (change.afterStep >= step) break;
    values = withValues(values, change, 'to');
    const end = values.epochs * stepsPerEpoch;
    if (change.schedule === 'stretch') span = { ...span, steps: end - span.origin };
    if (change.schedule === 'restart') span = { origin: change.afterStep, steps: end - change.afterStep };
  }
  const totalSteps = Math.max(1, span.steps);
  return {
    optimizer: values.optimizer,
    schedule: { step: Math.min(step - span.origin, totalSteps), totalSteps },
  };
}

/** What is wrong with the changes of a configuration, one sentence each. */
export function changeProblems(config: Changeable): string[] {
  const problems: string[] = [];
  const { epochs: first, optimizer: start } = asStarted(config);
  let values: ChangedValues = { epochs: first, optimizer: start };
  let lastStep = 0;
  for (const [index, change] of config.changes.entries()) {
    const at = `changes.${index}`;
    if (change.afterStep < lastStep) {
      problems.push(
        `${at}.afterStep: ${change.afterStep}, expected at least ${lastStep}, that of the change before it`,
      );
    }
    lastStep = Math.max(lastStep, change.afterStep);
    if (canonicalJson(withValues(values, change, 'from')) !== canonicalJson(values)) {
      problems.push(
        `${at}: the values that it changes are not those before it; take the changes of the run as they are`,
      );
    }
    if (change.reason === undefined && change.epochs !== undefined && change.epochs.to < change.epochs.from) {
      problems.push(
        `${at}.epochs.to: ${change.epochs.to}, expected at least ${change.epochs.from}: a run can be extended only`,
      );
    }
    values = withValues(values, change, 'to');
  }
  const { epochs, optimizer } = config;
  if (canonicalJson({ epochs, optimizer }) !== canonicalJson({ epochs: values.epochs, optimizer: values.optimizer })) {
    problems.push(
      'changes: they do not lead to the values of epochs and optimizer; change these with `facet resume`, or leave out changes',
    );
  }
  return problems;
}

function withValues<Values extends ChangedValues>(values: Values, change: RunChange, side: 'from' | 'to'): Values {
  const optimizer = Object.entries(change.optimizer ?? {}).flatMap(([key, of]) =>
    of === undefined ? [] : [[key, of[side]] as const],
  );
  return {
    ...values,
    ...(change.epochs !== undefined && { epochs: change.epochs[side] }),
    optimizer: { ...values.optimizer, ...Object.fromEntries(optimizer) },
  };
}
