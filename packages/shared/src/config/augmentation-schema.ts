/**
 * The `augmentation` section: what happens to a training image before the model sees it. The default of every key leaves
 * the image alone. The operations themselves are in the worker package.
 */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const degrees = z.number().min(0).max(45);

export const augmentationSchema = z.strictObject({
  /** Largest shift in pixels along each axis. */
  shiftPixels: z.int().min(0).max(8),
  /** Mirrors half of the images, left to right. */
  flip: z.boolean(),
  /** What lies outside of an image that is moved: black, or the image mirrored at its edge. */
  padding: z.enum(['zero', 'reflect']).default('zero'),
  /** Largest rotation, either way. */
  rotateDegrees: degrees.default(0),
  /** Largest change of size: 0.1 is 90 % to 110 %. */
  scaleShare: z.number().min(0).max(0.5).default(0),
  /** Number of operations per image, drawn from a list. Magnitude 0 changes nothing, 10 is the strongest. */
  randAugment: z
    .strictObject({ operations: z.int().min(0).max(8), magnitude: z.number().min(0).max(10) })
    .default({ operations: 0, magnitude: 0 }),
  /** Side of a square that is filled with the mean colour; at the edge a part of it is cut off. */
  cutoutPixels: z.int().min(0).max(64).default(0),
  /** Share of the images that are blended with another one of their micro-batch, weights drawn from Beta(alpha, alpha). */
  mixup: z.strictObject({ share, alpha: z.number().min(0.1).max(1) }).default({ share: 0, alpha: 0.2 }),
  /** Share of the images that get a rectangle of another one of their micro-batch. */
  cutmix: z.strictObject({ share }).default({ share: 0 }),
});

export type AugmentationConfig = z.infer<typeof augmentationSchema>;

/** Leaves images alone; presets start from it. */
export const NO_AUGMENTATION: AugmentationConfig = augmentationSchema.parse({ shiftPixels: 0, flip: false });
