/**
 * The corruptions of CIFAR-10 with the strengths of CIFAR-10-C (Hendrycks and Dietterich 2019), whose names they bear.
 */
import { defocusBlur, glassBlur, shakeBlur, zoomBlur } from './blur.js';
import { pairs, snowOf, standard, type Corruption } from './corruption.js';
import { brightness, contrast, elastic, pixelate } from './digital.js';
import { jpeg } from './jpeg.js';
import { gaussianNoise, impulseNoise, shotNoise } from './noise.js';
import { fog, frost, snow } from './weather.js';

export const CIFAR_SET: readonly Corruption[] = [
  standard('gaussian_noise', [0.04, 0.06, 0.08, 0.09, 0.1], gaussianNoise),
  standard('shot_noise', [500, 250, 100, 75, 50], shotNoise),
  standard('impulse_noise', [0.01, 0.02, 0.03, 0.05, 0.07], impulseNoise),
  standard(
    'defocus_blur',
    pairs('radius', 'smoothing', [
      [0.3, 0.4],
      [0.4, 0.5],
      [0.5, 0.6],
      [1, 0.2],
      [1.5, 0.1],
    ]),
    defocusBlur,
  ),
  standard(
    'glass_blur',
    [
      { sigma: 0.05, reach: 1, passes: 1, share: 1 },
      { sigma: 0.25, reach: 1, passes: 1, share: 1 },
      { sigma: 0.4, reach: 1, passes: 1, share: 1 },
      { sigma: 0.25, reach: 1, passes: 2, share: 1 },
      { sigma: 0.4, reach: 1, passes: 2, share: 1 },
    ],
    glassBlur,
  ),
  standard(
    'motion_blur',
    pairs('radius', 'sigma', [
      [6, 1],
      [6, 1.5],
      [6, 2],
      [8, 2],
      [9, 2.5],
    ]),
    shakeBlur,
  ),
  standard(
    'zoom_blur',
    pairs('below', 'step', [
      [1.06, 0.01],
      [1.11, 0.01],
      [1.16, 0.01],
      [1.21, 0.01],
      [1.26, 0.01],
    ]),
    zoomBlur,
  ),
  standard(
    'snow',
    snowOf([
      [0.1, 0.2, 1, 0.6, 8, 3, 0.95],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.9],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.9],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.85],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.8],
    ]),
    snow,
  ),
  standard(
    'frost',
    pairs('picture', 'frost', [
      [1, 0.2],
      [1, 0.3],
      [0.9, 0.4],
      [0.85, 0.4],
      [0.75, 0.45],
    ]),
    frost,
  ),
  standard(
    'fog',
    [
      { density: 0.2, decay: 3, fieldSize: 32 },
      { density: 0.5, decay: 3, fieldSize: 32 },
      { density: 0.75, decay: 2.5, fieldSize: 32 },
      { density: 1, decay: 2, fieldSize: 32 },
      { density: 1.5, decay: 1.75, fieldSize: 32 },
    ],
    fog,
  ),
  standard('brightness', [0.05, 0.1, 0.15, 0.2, 0.3], brightness),
  standard('contrast', [0.75, 0.5, 0.4, 0.3, 0.15], contrast),
  standard(
    'elastic_transform',
    [
      { alpha: 0, sigma: 0, jitter: 2.56, edge: 'mirror' },
      { alpha: 1.6, sigma: 6.4, jitter: 2.24, edge: 'mirror' },
      { alpha: 2.56, sigma: 1.92, jitter: 1.92, edge: 'mirror' },
      { alpha: 3.2, sigma: 1.28, jitter: 1.6, edge: 'mirror' },
      { alpha: 3.2, sigma: 0.96, jitter: 0.96, edge: 'mirror' },
    ],
    elastic,
  ),
  standard('pixelate', [0.95, 0.9, 0.85, 0.75, 0.65], pixelate),
  standard('jpeg_compression', [80, 65, 58, 50, 40], jpeg),
];
