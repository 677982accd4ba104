/**
 * Training on attacked samples (Madry et al. 2018) for users' tasks: before a micro-batch is trained on, its task may move the
 * numbers of one field to where the current weights read them worst. The system computes the gradient of that field.
 */
import { randomKey, randomStream, type SampleFields } from '@facet/shared';
import type { Adversary, BatchTensors, Tensors } from '../task.js';
import { isWhole } from './answer.js';
import type { LossContext, PerSample, SampleTensors, TaskAdversary } from './define-task.js';

/** What is wrong with it; undefined when nothing is. */
export function requireAdversary({ field }: TaskAdversary, fields: SampleFields): string | undefined {
  const attacked = fields[field];
  if (attacked === undefined) {
    return `adversary.field is ${field}, expected a field of the samples: ${Object.keys(fields).join(', ')}`;
  }
  return isWhole(attacked)
    ? `adversary.field is ${field}, which holds whole numbers, expected a field of float32 or an image: whole numbers have no gradient`
    : undefined;
}

/** The parts of a task that an adversary needs. */
export interface AttackedTask {
  readonly inputs: readonly string[];
  readonly losses: PerSample;
  readonly context: LossContext;
  readonly predict: (parameters: Tensors, inputs: Tensors) => SampleTensors[string];
  readonly sample: (inputs: Tensors) => SampleTensors;
}

/** The system's adversary of a user's one. */
export function bindAdversary(
  { field, loss, attack }: TaskAdversary,
  { inputs, losses, context, predict, sample }: AttackedTask,
): Adversary<BatchTensors & Readonly<Record<string, Float32Array>>> {
  const climbed = loss ?? losses;
  return {
    input: field,
    inputs,
    losses: (parameters, given) =>
      climbed(predict(parameters, given), sample(given), { ...context, labelSmoothing: 0 }) as ReturnType<
        Adversary['losses']
      >,
    async attack(tensors, gradient, { ids, seed, epoch, signal }) {
      let gradients = 0;
      await attack({
        ids,
        values: tensors[field]!,
        signal,
        random: (row) => randomStream(randomKey('adversarial', seed, epoch, ids[row]!)),
        async gradient() {
          await gradient.run();
          gradients += ids.length;
          return gradient.values;
        },
      });
      return gradients;
    },
  };
}
