/**
 * The corruptions of MNIST with the strengths of MNIST-C (Mu and Gilmer 2019), whose names they bear. MNIST-C fixes one
 * severity of each; where its code has a single strength, the five here are ours.
 */
import { defocusBlur, glassBlur, shakeBlur, zoomBlur } from './blur.js';
import { cannyEdges } from './canny.js';
import { extra, pairs, snowOf, standard, type Corruption } from './corruption.js';
import { brightness, contrast, elastic, pixelate } from './digital.js';
import { rotate, shear, shrink, translate } from './geometry.js';
import { jpeg } from './jpeg.js';
import { gaussianNoise, impulseNoise, shotNoise } from './noise.js';
import { dottedLines, stripe, zigzags } from './strokes.js';
import { fog, frost, snow, spatter } from './weather.js';

export const MNIST_SET: readonly Corruption[] = [
  standard('shot_noise', [60, 25, 12, 5, 3], shotNoise),
  standard('impulse_noise', [0.03, 0.06, 0.09, 0.17, 0.27], impulseNoise),
  standard(
    'glass_blur',
    [
      { sigma: 0.7, reach: 1, passes: 2, share: 0.5 },
      { sigma: 0.9, reach: 2, passes: 1, share: 0.5 },
      { sigma: 1, reach: 2, passes: 3, share: 0.5 },
      { sigma: 1.1, reach: 3, passes: 2, share: 0.5 },
      { sigma: 1.5, reach: 4, passes: 2, share: 0.5 },
    ],
    glassBlur,
  ),
  standard(
    'motion_blur',
    pairs('radius', 'sigma', [
      [10, 3],
      [15, 5],
      [15, 8],
      [15, 12],
      [20, 15],
    ]),
    shakeBlur,
  ),
  standard('shear', [0.2, 0.4, 0.6, 0.8, 1], shear),
  standard('scale', [0.9, 0.8, 0.7, 0.6, 0.5], shrink),
  standard('rotate', [0.2, 0.4, 0.6, 0.8, 1], rotate),
  standard('brightness', [0.1, 0.2, 0.3, 0.4, 0.5], brightness),
  standard('translate', [1, 2, 3, 4, 5], translate),
  standard('stripe', [0.2, 0.4, 0.6, 0.8, 1], stripe),
  standard(
    'fog',
    [
      { density: 1.5, decay: 2, fieldSize: 256 },
      { density: 2, decay: 2, fieldSize: 256 },
      { density: 2.5, decay: 1.7, fieldSize: 256 },
      { density: 2.5, decay: 1.5, fieldSize: 256 },
      { density: 3, decay: 1.4, fieldSize: 256 },
    ],
    fog,
  ),
  standard(
    'spatter',
    [
      { mean: 0.65, deviation: 0.3, sigma: 4, threshold: 0.69, edgeSigma: 0.6 },
      { mean: 0.65, deviation: 0.3, sigma: 3, threshold: 0.68, edgeSigma: 0.6 },
      { mean: 0.65, deviation: 0.3, sigma: 2, threshold: 0.68, edgeSigma: 0.5 },
      { mean: 0.65, deviation: 0.3, sigma: 1, threshold: 0.65, edgeSigma: 1.5 },
      { mean: 0.67, deviation: 0.4, sigma: 1, threshold: 0.65, edgeSigma: 1.5 },
    ],
    spatter,
  ),
  standard('dotted_line', [1, 2, 3, 4, 5], dottedLines),
  standard('zigzag', [1, 2, 3, 4, 5], zigzags),
  standard('canny_edges', [1, 1.25, 1.5, 1.75, 2], cannyEdges),
  extra('gaussian_noise', [0.08, 0.12, 0.18, 0.26, 0.38], gaussianNoise),
  extra(
    'defocus_blur',
    pairs('radius', 'smoothing', [
      [3, 0.1],
      [4, 0.5],
      [6, 0.5],
      [8, 0.5],
      [10, 0.5],
    ]),
    defocusBlur,
  ),
  extra(
    'zoom_blur',
    pairs('below', 'step', [
      [1.11, 0.01],
      [1.16, 0.01],
      [1.21, 0.02],
      [1.26, 0.02],
      [1.31, 0.03],
    ]),
    zoomBlur,
  ),
  extra(
    'snow',
    snowOf([
      [0.1, 0.3, 3, 0.5, 10, 4, 0.8],
      [0.2, 0.3, 2, 0.5, 12, 4, 0.7],
      [0.55, 0.3, 4, 0.9, 12, 8, 0.7],
      [0.55, 0.3, 4.5, 0.85, 12, 8, 0.65],
      [0.55, 0.3, 2.5, 0.85, 12, 12, 0.55],
    ]),
    snow,
  ),
  extra(
    'frost',
    pairs('picture', 'frost', [
      [1, 0.4],
      [0.8, 0.6],
      [0.7, 0.7],
      [0.65, 0.7],
      [0.6, 0.75],
    ]),
    frost,
  ),
  extra('contrast', [0.4, 0.3, 0.2, 0.1, 0.05], contrast),
  extra(
    'elastic_transform',
    [
      { alpha: 56, sigma: 19.6, jitter: 2.8, edge: 'zero' },
      { alpha: 56, sigma: 2.24, jitter: 5.6, edge: 'zero' },
      { alpha: 1.4, sigma: 0.28, jitter: 0.56, edge: 'zero' },
      { alpha: 1.96, sigma: 0.28, jitter: 0.56, edge: 'zero' },
      { alpha: 3.36, sigma: 0.28, jitter: 0.56, edge: 'zero' },
    ],
    elastic,
  ),
  extra('pixelate', [0.6, 0.5, 0.4, 0.3, 0.25], pixelate),
  extra('jpeg_compression', [25, 18, 15, 10, 7], jpeg),
];
