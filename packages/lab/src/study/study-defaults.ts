/** The defaults of a study. */
import type { ArmName } from '@facet/multiview/config';

export const DEFAULT_SEEDS = '1-5';

export const DEFAULT_BASELINE: ArmName = 'no-injection';

/** Choices are made on images that no arm was trained on, and the test split is left alone. */
export const STUDY_DEFAULTS = { samples: { heldOut: 5_000 }, evaluation: 'held-out' } as const;
