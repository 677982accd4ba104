/**
 * A trained model that also returns what it looked at, one reading per image. It always runs on onnxruntime's CPU backend,
 * also if another engine evaluated the model: a few hundred images need no faster one.
 */
import { createModel } from '@facet/multiview';
import { requireSameLayout } from '@facet/task';
import { programShape, type TrainedModel } from '../models/classifier.js';
import { captureInspectionProgram } from '../programs/inspection-program.js';
import { createOrtSession } from '@facet/engine';
import { elementCount, type Program } from '@facet/compiler';
import type { AttentionReading, AttentionShape } from './attention-maps.js';

/** What the model made of one image; the arrays are the reader's own. */
export interface Reading extends AttentionReading {
  /** [classes] */
  readonly logits: Float32Array;
  /** The views of the image, [channels * height * width] each, planar, in [0, 1]; none for a model without views. */
  readonly views: readonly Float32Array[];
}

export interface Inspector {
  readonly shape: AttentionShape;
  /**
   * Reads images one after the other.
   *
   * @param images [count, channels * height * width], planar, in [0, 1]
   */
  read(images: Float32Array): AsyncGenerator<Reading, void>;
  /** a_i, [block][view]; known after the first reading, empty for a model without views. */
  viewWeights(): number[][];
  close(): Promise<void>;
}

/**
 * Captures the inspection program of a trained model and opens it.
 *
 * @param options `threads`: 0 takes all cores
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; ENGINE_UNAVAILABLE when onnxruntime
 *   does not run here.
 */
export async function openInspector(model: TrainedModel, { threads }: { threads: number }): Promise<Inspector> {
  const shape = programShape(model);
  const { parameters, tokens } = createModel(shape);
  requireSameLayout(parameters, model.layout);
  const program = await captureInspectionProgram(shape);
  const outputs = allocateOutputs(program);
  const { microBatch, image, config } = shape;
  const pixels = image.channels * image.height * image.width;
  const batch = new Float32Array(microBatch * pixels);
  const weights = model.layout.map(({ name, offset, length }) => {
    return [name, model.weights.slice(offset, offset + length)] as const;
  });
  const session = await createOrtSession(program, { device: 'cpu', threads });
  const binding = session.bind({ ...Object.fromEntries(weights), images: batch }, outputs);
  return {
    shape: { heads: config.heads, tokens },
    async *read(images) {
      const count = images.length / pixels;
      for (let start = 0; start < count; start += microBatch) {
        const rows = Math.min(microBatch, count - start);
        batch.fill(0).set(images.subarray(start * pixels, (start + rows) * pixels));
        await binding.run();
        for (let row = 0; row < rows; row++) yield readingOf(outputs, { row, rows: microBatch, pixels });
      }
    },
    viewWeights() {
      const { viewWeights } = outputs;
      const width = config.views.length;
      if (viewWeights === undefined) return [];
      const blocks = viewWeights.length / width;
      return Array.from({ length: blocks }, (_, block) => [
        ...viewWeights.subarray(block * width, (block + 1) * width),
      ]);
    },
    close: () => session.close(),
  };
}

type Outputs = Readonly<Record<'logits' | 'attention' | 'pooling', Float32Array>> &
  Readonly<Partial<Record<'views' | 'viewWeights', Float32Array>>>;

function allocateOutputs({ outputs, values }: Program): Outputs {
  const buffers = outputs.map(({ name, id }) => [name, new Float32Array(elementCount(values[id]!.shape))] as const);
  return Object.fromEntries(buffers) as unknown as Outputs;
}

function readingOf(
  { logits, attention, pooling, views }: Outputs,
  { row, rows, pixels }: { readonly row: number; readonly rows: number; readonly pixels: number },
): Reading {
  const own = (values: Float32Array): Float32Array => {
    const width = values.length / rows;
    return values.slice(row * width, (row + 1) * width);
  };
  const pictures = views === undefined ? new Float32Array() : own(views);
  return {
    logits: own(logits),
    attention: own(attention),
    pooling: own(pooling),
    views: Array.from({ length: pictures.length / pixels }, (_, view) =>
      pictures.subarray(view * pixels, (view + 1) * pixels),
    ),
  };
}
