/**
 * A trained model that takes images and returns logits. It computes in micro-batches of the run's own size, so its numbers are
 * those of the run's own evaluation. It owns an engine until it is closed.
 */
import type { EngineWish, ImageShape, ParameterLayout } from '@facet/shared';
import type { MultiView } from '@facet/multiview/config';
import { formatEngine, openEngine } from '@facet/engine';
import { requireSameLayout } from '@facet/task';
import { multiViewShape, multiViewTask, type MultiViewShape } from '@facet/multiview';

/** The parts of a trained model, as a checkpoint stores them. */
export interface TrainedModel {
  readonly config: MultiView;
  readonly image: ImageShape;
  /** Number of classes. */
  readonly classes: number;
  /** Flat weights and where each parameter lies in them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
}

/** Where a model is run. */
export interface ClassifierPlace {
  readonly engine: EngineWish;
  /** 0 takes all cores. */
  readonly threads: number;
}

export interface Classifier {
  /**
   * Logits of any number of images, one micro-batch after the other.
   *
   * @param images [count, channels * height * width], planar, in [0, 1]
   * @returns [count, classes]
   */
  logits(images: Float32Array): Promise<Float32Array>;
  readonly microBatch: number;
  /** What computes, such as `onnxruntime/cpu`. */
  readonly engine: string;
  close(): Promise<void>;
}

/** The shape of the programs that a trained model runs as. */
export function programShape({ config, image, classes }: TrainedModel): MultiViewShape {
  return multiViewShape({ image, classes }, config);
}

/**
 * Starts an engine with a trained model.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; ENGINE_UNAVAILABLE.
 */
export async function openClassifier(model: TrainedModel, { engine, threads }: ClassifierPlace): Promise<Classifier> {
  const shape = programShape(model);
  const { microBatch, classes } = shape;
  const { augmentation: _augmentation, adversarial: _adversarial, ...plain } = shape;
  const { compute, choice } = await openEngine({ wish: engine, task: multiViewTask(plain), threads });
  try {
    requireSameLayout(compute.layout.slots, model.layout);
  } catch (caught) {
    await compute.close();
    throw caught;
  }
  compute.weights.set(model.weights);
  compute.weightsChanged();
  const [slot] = compute.evaluationSlots;
  const pixels = slot.tensors.images.length / microBatch;
  return {
    microBatch,
    engine: formatEngine(choice.engine),
    async logits(images) {
      const count = images.length / pixels;
      const answers = new Float32Array(count * classes);
      for (let start = 0; start < count; start += microBatch) {
        const end = Math.min(start + microBatch, count);
        slot.tensors.images.fill(0).set(images.subarray(start * pixels, end * pixels));
        await slot.run();
        answers.set(slot.outputs['logits']!.subarray(0, (end - start) * classes), start * classes);
      }
      return answers;
    },
    close: () => compute.close(),
  };
}
