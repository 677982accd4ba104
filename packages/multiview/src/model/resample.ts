/**
 * Views as tensors: resamples images and cuts them into overlapping patches, by matrix products only.
 */
import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '@facet/shared';
import { resampleMatrix, shearMatrices, type PatchGrid, type View } from './views.js';

/**
 * The overlapping patches of one view.
 *
 * @param images [batch * channels, height, width]
 * @returns [batch * cells * cells, channels * patch * patch]
 */
export function viewPatches(images: tf.Tensor3D, view: View, image: ImageShape, grid: PatchGrid): tf.Tensor2D {
  const { height, width, channels } = image;
  const { cells, patchSize } = grid;
  const columns = cells * patchSize;
  const planes = images.shape[0];
  const turned = view.rotationDegrees === 0 ? images : rotate(images, view.rotationDegrees);
  const horizontal = tf.tensor2d(resampleMatrix(width, view.zoom, view.shiftX, grid), [width, columns]);
  const vertical = tf.tensor2d(resampleMatrix(height, view.zoom, view.shiftY, grid), [height, columns]);
  const rows = tf
    .matMul(turned.reshape<tf.Tensor2D>([planes * height, width]), horizontal)
    .reshape<tf.Tensor3D>([planes, height, columns]);
  return tf
    .matMul(vertical.expandDims<tf.Tensor3D>(0), rows, true, false) // [planes, rows of cells, columns of cells]
    .reshape([planes / channels, channels, cells, patchSize, cells, patchSize])
    .transpose([0, 2, 4, 1, 3, 5]) // [batch, row, column, channel, patch row, patch column]
    .reshape([(planes / channels) * cells * cells, channels * patchSize * patchSize]);
}

/** Turns images clockwise about their centre: shear along x, along y, along x (Paeth 1986). */
function rotate(images: tf.Tensor3D, degrees: number): tf.Tensor3D {
  const [, height, width] = images.shape;
  const angle = (degrees * Math.PI) / 180;
  const alongX = tf.tensor3d(shearMatrices(height, width, Math.tan(angle / 2)), [height, width, width]);
  const alongY = tf.tensor3d(shearMatrices(width, height, -Math.sin(angle)), [width, height, height]);
  const sheared = tf.matMul(images.transpose<tf.Tensor3D>([1, 0, 2]), alongX); // [height, planes, width]
  const twice = tf.matMul(sheared.transpose<tf.Tensor3D>([2, 1, 0]), alongY); // [width, planes, height]
  return tf.matMul(twice.transpose<tf.Tensor3D>([2, 1, 0]), alongX).transpose<tf.Tensor3D>([1, 0, 2]);
}
