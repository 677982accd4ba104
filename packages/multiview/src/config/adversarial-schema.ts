/**
 * The `adversarial` section: whether a run trains on attacked samples, and how they are attacked. eps 0 turns it off, and
 * then no other key has an effect. The attack itself is in attacks/.
 */
import { z } from 'zod';
import type { DatasetFamily } from '@facet/shared';

export const NORMS = ['linf', 'l2'] as const;

/** `linf`: no pixel moves by more than eps. `l2`: the root of the summed squares stays below eps. */
export type Norm = (typeof NORMS)[number];

export const adversarialSchema = z.strictObject({
  norm: z
    .enum(NORMS)
    .describe('linf: no pixel moves by more than eps. l2: the root of the summed squares stays below eps.'),
  eps: z
    .number()
    .min(0)
    .max(64)
    .describe('Size of the ball, in pixels in [0, 1]; 0 trains on the samples as they are.'),
  steps: z.int().min(1).max(1_000).describe('Gradients by the pixels for each attacked sample.'),
  stepSize: z.number().min(0).max(64).describe('Length of a step in the norm; 0 means 2.5 eps / steps.'),
  share: z.number().positive().max(1).describe('Share of the samples that are attacked, drawn anew in every epoch.'),
});

export type AdversarialConfig = z.infer<typeof adversarialSchema>;

/** Attacks nothing. Presets start from it. A user who sets only eps gets the other keys from it. */
export const NO_ADVERSARY: AdversarialConfig = { norm: 'linf', eps: 0, steps: 7, stepSize: 0, share: 1 };

/**
 * What `--adversarial` turns on. CIFAR-10: Madry et al. 2018 (7 steps of 2/255 within 8/255). MNIST: the ball of the same
 * paper, but not its 40 steps of 0.01, which cost 40 gradients a sample: as many steps as CIFAR-10 has, long enough to cross
 * the ball from any start.
 */
export const PUBLISHED_ADVERSARIES: Readonly<Record<DatasetFamily, AdversarialConfig>> = {
  mnist: { ...NO_ADVERSARY, eps: 0.3, steps: 7, stepSize: 0.1 },
  cifar10: { ...NO_ADVERSARY, eps: 8 / 255, steps: 7, stepSize: 2 / 255 },
};
