/**
 * The inspection program: the evaluation program with further outputs that show what the model looks at. It is captured from
 * the same forward pass as the others, so it shows the very computation that gives the answer.
 */
import type * as tf from '@tensorflow/tfjs';
import { createModel, type MultiViewShape } from '@facet/multiview';
import { captureProgram, type CaptureOptions, type Program } from '@facet/compiler';
import { compileProgram, parameterInputs } from '@facet/engine';

/** The inspection function of a shape. Inputs: every parameter and `images`. Outputs: those of the model's `inspect`. */
export function describeInspection(shape: MultiViewShape): CaptureOptions {
  const model = createModel(shape);
  const { image, microBatch } = shape;
  const images = [microBatch, image.channels * image.height * image.width];
  return {
    name: 'inspect',
    inputs: [...parameterInputs(model.parameters), { name: 'images', shape: images, dtype: 'float32' }],
    build: (inputs) => model.inspect(inputs, inputs.get('images') as tf.Tensor2D),
  };
}

/** Captures and compiles what `describeInspection` describes. */
export async function captureInspectionProgram(shape: MultiViewShape): Promise<Program> {
  return compileProgram(await captureProgram(describeInspection(shape)));
}
