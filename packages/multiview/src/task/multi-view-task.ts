/**
 * The multi-view model as a task: images of one field, classes, augmentation by the identity of the sample, auxiliary losses
 * and an adversary.
 */
import type * as tf from '@tensorflow/tfjs';
import { randomKey, type DatasetShape, type TrainingConfig } from '@facet/shared';
import type { AdversarialConfig } from '../config/adversarial-schema.js';
import type { AugmentationConfig } from '../config/augmentation-schema.js';
import type { MultiView } from '../config/options.js';
import type { Task, TaskInput, Tensors } from '@facet/task';
import { crossEntropy } from '@facet/compiler';
import { drawAuxiliary } from '../data/auxiliary-draws.js';
import { fillMicroBatch, type MicroBatchTensors } from '../data/micro-batch.js';
import { createAdversary } from '../attacks/adversary.js';
import { POSITION_PAIRS } from '../model/auxiliary-losses.js';
import { createModel, type Model, type ModelShape } from '../model/multi-view-transformer.js';

/** What decides the programs of a configuration, and how its samples are prepared. */
export interface MultiViewShape extends ModelShape {
  readonly microBatch: number;
  readonly labelSmoothing: number;
  /** Absent: samples are trained on as they are. */
  readonly augmentation?: AugmentationConfig;
  /** Absent, or with an eps of 0: samples are not attacked. */
  readonly adversarial?: AdversarialConfig;
}

/** The shape of a configuration, for images of a dataset. */
export function multiViewShape(
  { image, classes }: DatasetShape,
  { task, batch, optimizer }: MultiViewConfig,
): MultiViewShape {
  const { labelSmoothing } = optimizer;
  const { model, augmentation, adversarial } = task.options;
  return { image, classes, config: model, microBatch: batch.micro, labelSmoothing, augmentation, adversarial };
}

export type MultiViewConfig = Pick<MultiView<TrainingConfig>, 'task' | 'batch' | 'optimizer'>;

/** See TaskReference. */
export const bind = (argument: unknown): Task<MicroBatchTensors> => multiViewTask(argument as MultiViewShape);

/** The task of a shape. Its samples have the fields `image` [height, width, channels] and `label`. */
export function multiViewTask(shape: MultiViewShape): Task<MicroBatchTensors> {
  const { image, classes, config, microBatch, labelSmoothing, augmentation, adversarial } = shape;
  const model = createModel(shape);
  return {
    name: 'multi-view',
    microBatch,
    parameters: model.parameters,
    inputs: inputsOf(shape, model),
    metrics: ['correct'],
    answer: { kind: 'class', classes, label: 'label' },
    predictInputs: ['images'],
    prepare({ ids, fields }, tensors, { seed, epoch, step, index, isTraining }) {
      const samples = { ids, labels: fields['label'] as Uint8Array, pixels: fields['image'] as Uint8Array };
      const recipe = isTraining ? augmentation : undefined;
      fillMicroBatch(tensors, samples, {
        image,
        classes,
        seed,
        epoch,
        ...(recipe && { augmentation: { recipe, pixelMean: config.pixels.mean, step, index } }),
      });
      const { tokenPairs, hiddenTokens } = tensors;
      if (isTraining && tokenPairs !== undefined && hiddenTokens !== undefined) {
        drawAuxiliary({ tokenPairs, hiddenTokens }, randomKey('auxiliary', seed, step, index));
      }
    },
    loss(parameters, inputs) {
      const targets = inputs.get('targets') as tf.Tensor2D;
      const { logits, auxiliary } = forward(model, parameters, inputs);
      const losses = crossEntropy({ logits, targets, labelSmoothing });
      return {
        losses: auxiliary === undefined ? losses : losses.add(auxiliary),
        metrics: { correct: logits.argMax(1).equal(targets.argMax(1)).cast('float32') },
      };
    },
    predict: (parameters, inputs) => model.forward(parameters, inputs.get('images') as tf.Tensor2D),
    adversary: adversarial && createAdversary(model, adversarial),
    // Compiled code in tests too: src/task and dist/task lie two levels below the package.
    reference: { module: new URL('../../dist/task/multi-view-task.js', import.meta.url).href, argument: shape },
  };
}

function inputsOf({ image, classes, microBatch }: MultiViewShape, { hasAuxiliary, tokens }: Model): TaskInput[] {
  return [
    { name: 'images', shape: [microBatch, image.channels * image.height * image.width] },
    { name: 'targets', shape: [microBatch, classes] },
    ...(hasAuxiliary
      ? [
          { name: 'tokenPairs', shape: [2 * POSITION_PAIRS, tokens] },
          { name: 'hiddenTokens', shape: [tokens] },
        ]
      : []),
  ];
}

function forward(
  model: Model,
  parameters: Tensors,
  inputs: Tensors,
): { readonly logits: tf.Tensor2D; readonly auxiliary: tf.Tensor1D | undefined } {
  const images = inputs.get('images') as tf.Tensor2D;
  if (!model.hasAuxiliary) return { logits: model.forward(parameters, images), auxiliary: undefined };
  return model.forwardWithAuxiliary(parameters, images, {
    tokenPairs: inputs.get('tokenPairs') as tf.Tensor2D,
    hiddenTokens: inputs.get('hiddenTokens') as tf.Tensor1D,
  });
}
