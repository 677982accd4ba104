/**
 * Mends two gradients of tfjs. Training of the multi-view model never meets them, because it differentiates by parameters
 * only; the gradient by the images meets both on its way through the resampling of the views:
 *
 * - BatchMatMul: where an operand was broadcast along a leading axis (one image, many views), tfjs forgets to sum over it.
 * - Unpack into a single part (a model of one view): tfjs hands the gradient over as one tensor and stacks a list.
 *
 * And registers those that tfjs does not have, and writes one shorter:
 *
 * - Relu: tfjs multiplies dy by a step of x, which takes five kernels. As in PyTorch, dy passes where the answer is not 0.
 */
import * as tf from '@tensorflow/tfjs';
import { registerLayerGradients } from '@facet/compiler';

let isMended = false;

/** Registers the mended gradients once per process; where tfjs's own are right, they compute the same. */
export function mendGradients(): void {
  if (isMended) return;
  isMended = true;
  registerLayerGradients();
  const product = tf.getGradient('BatchMatMul');
  tf.registerGradient({
    ...product,
    gradFunc(dy, saved, attrs) {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const gradients = product.gradFunc(dy, saved, attrs);
      return { a: () => summedTo(a.shape, gradients.a!()), b: () => summedTo(b.shape, gradients.b!()) };
    },
  });
  const unpack = tf.getGradient('Unpack');
  tf.registerGradient({
    ...unpack,
    gradFunc: (dy, saved, attrs) => unpack.gradFunc(Array.isArray(dy) ? dy : [dy], saved, attrs),
  });
  tf.registerGradient({
    kernelName: 'Relu',
    // By the answer, so that the engine may compute a product, its bias and the relu as one.
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => tf.where(y!.lessEqual(0), tf.scalar(0), dy as tf.Tensor) }),
  });
}

function summedTo(shape: number[], gradient: tf.Tensor): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return axes.length === 0 ? gradient : gradient.sum(axes).reshape(shape);
}
