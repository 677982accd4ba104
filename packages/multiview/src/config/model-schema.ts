/**
 * The `model` section: the multi-view model. docs/model.md specifies it.
 */
import { z } from 'zod';
import { atMost } from '@facet/shared';

/** Bounds of what a model repeats or allocates: far above what anybody trains, and far below what a made-up file could ask for. */
const MOST_LAYERS = 256;
const MOST_FEATURES = 16_384;
const MOST_PIXELS = 1_024;
const MOST_CHANNELS = 64;

export const VIEW_NAMES = ['identity', 'zoom-in', 'zoom-out', 'rotation', 'shift'] as const;

export const modelSchema = z.strictObject({
  views: z
    .array(z.enum(VIEW_NAMES))
    .min(1)
    .max(4)
    .describe(
      'The identity view comes first. A second identity is a placebo: it costs as much as a view and ' +
        'shows nothing new.',
    ),
  viewWeights: z
    .enum(['normalised', 'raw', 'uniform'])
    .describe('How much each view counts: w_i^2 / sum_j w_j^2, w_i^2, or 1/V without a parameter.'),
  injection: z
    .enum(['additive', 'cross', 'none'])
    .describe('How attention sees the views: added to its input, as further keys and values, or not at all.'),
  injectionBlocks: atMost(MOST_LAYERS).describe('How many blocks see the views, counted from the first.'),
  viewNorm: z
    .enum(['each', 'sum'])
    .describe(
      '`each`: every view is normalised before the views are summed. `sum`: only their sum is, which ' +
        'makes one blurred image.',
    ),
  viewImages: z
    .enum(['own', 'shuffled'])
    .describe(
      '`own`: a sample sees its own views. `shuffled`: it sees those of its neighbour in the ' +
        'micro-batch, as a control.',
    ),
  viewPatchSize: atMost(MOST_PIXELS).describe(
    'Side of the patches of a view, in pixels. They overlap if this is more than patchStride * merge.',
  ),
  patchSize: atMost(MOST_PIXELS).describe("Side of the stem's patches, in pixels."),
  patchStride: atMost(MOST_PIXELS).describe('Distance from one patch of the stem to the next, in pixels.'),
  stemWidth: atMost(MOST_FEATURES).describe('Features per patch in the stem.'),
  stemStart: z
    .enum(['random', 'cosines'])
    .default('random')
    .describe('The initial weights of the stem: random numbers, or cosines that see all frequencies of a patch alike.'),
  stemDepth: z
    .int()
    .min(0)
    .max(MOST_LAYERS)
    .default(0)
    .describe('MLPs with token shift on the patches, before they are merged.'),
  stemConvolutions: z
    .array(
      z.strictObject({
        features: atMost(MOST_FEATURES).describe('Features that the convolution gives.'),
        stride: z.int().min(1).max(2).describe('1 keeps the number of cells, 2 halves it along each side.'),
      }),
    )
    .max(8)
    .default([])
    .describe(
      'Convolutions of 3x3 cells after the patches, each after a norm over the image and a GELU; the ' +
        'merge follows the same way. One that keeps the shape is added to what it reads.',
    ),
  merge: atMost(MOST_PIXELS).describe('Distance from one token to the next, in cells along each side.'),
  mergeSize: atMost(MOST_PIXELS).describe(
    'Side of the window of cells that makes a token. Windows overlap if this is more than `merge`.',
  ),
  relativeBias: z.boolean().describe('A learned bias of every head for the offset between two tokens.'),
  width: atMost(MOST_FEATURES).multipleOf(8).describe('Features of a token; a multiple of 8 and of heads.'),
  depth: atMost(MOST_LAYERS).describe('Blocks of attention and MLPs.'),
  heads: atMost(MOST_LAYERS).describe('Heads of every attention.'),
  mlpRatio: atMost(64).describe('Hidden features of an MLP, as a multiple of its width.'),
  mlpsPerBlock: atMost(MOST_LAYERS).default(1).describe('MLPs after each attention. Each one looks one token further.'),
  auxiliary: z
    .strictObject({
      relativePosition: z
        .number()
        .min(0)
        .max(10)
        .describe('Predict from two tokens how far apart they are (Liu et al. 2021, "DrLoc").'),
      completion: z
        .number()
        .min(0)
        .max(10)
        .describe(
          'Rebuild hidden patches of the identity view from the other views (Weinzaepfel et al. 2022, "CroCo").',
        ),
    })
    .describe('Weights of losses that are used in training only; 0 leaves a loss out.'),
  pixels: z
    .strictObject({
      mean: z.array(z.number()).max(MOST_CHANNELS).describe('Mean of each channel.'),
      stddev: z.array(z.number().positive()).max(MOST_CHANNELS).describe('Standard deviation of each channel.'),
    })
    .describe('Mean and standard deviation per channel of pixels in [0, 1].'),
});

export type ModelConfig = z.infer<typeof modelSchema>;
