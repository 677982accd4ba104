/**
 * The `augmentation` section: what happens to a training image before the model sees it. The default of every key leaves
 * the image alone. The operations themselves are in data/.
 */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const degrees = z.number().min(0).max(45);

export const augmentationSchema = z.strictObject({
  shiftPixels: z.int().min(0).max(8).describe('Largest shift in pixels along each axis.'),
  flip: z.boolean().describe('Mirrors half of the images, left to right.'),
  padding: z
    .enum(['zero', 'reflect'])
    .default('zero')
    .describe('What lies outside of an image that is moved: black, or the image mirrored at its edge.'),
  rotateDegrees: degrees.default(0).describe('Largest rotation, either way.'),
  scaleShare: z.number().min(0).max(0.5).default(0).describe('Largest change of size: 0.1 is 90 % to 110 %.'),
  randAugment: z
    .strictObject({
      operations: z.int().min(0).max(8).describe('Operations for each image.'),
      magnitude: z.number().min(0).max(10).describe('How strong they are, from 0 to 10.'),
    })
    .default({ operations: 0, magnitude: 0 })
    .describe('Number of operations per image, drawn from a list. Magnitude 0 changes nothing, 10 is the strongest.'),
  cutoutPixels: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Side of a square that is filled with the mean colour; at the edge a part of it is cut off.'),
  mixup: z
    .strictObject({
      share: share.describe('Share of the images that are blended.'),
      alpha: z.number().min(0.1).max(1).describe('Of the Beta distribution that weights are drawn from.'),
    })
    .default({ share: 0, alpha: 0.2 })
    .describe(
      'Share of the images that are blended with another one of their micro-batch, weights drawn from ' +
        'Beta(alpha, alpha).',
    ),
  cutmix: z
    .strictObject({ share: share.describe('Share of the images that get a rectangle of another one.') })
    .default({ share: 0 })
    .describe('Share of the images that get a rectangle of another one of their micro-batch.'),
});

export type AugmentationConfig = z.infer<typeof augmentationSchema>;

/** Leaves images alone; presets start from it. */
export const NO_AUGMENTATION: AugmentationConfig = augmentationSchema.parse({ shiftPixels: 0, flip: false });
