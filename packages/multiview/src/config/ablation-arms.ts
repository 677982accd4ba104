/**
 * The arms of an ablation study: the options that each arm changes. All arms with several views have the same
 * number of slots, and fill those they do not need with the identity. So they have the same parameters and cost. The study's
 * report shows the cost of every arm, because the others are cheaper.
 */
import type { Mapping } from '@facet/shared';
import type { ModelConfig } from './model-schema.js';

type ViewName = ModelConfig['views'][number];

export interface AblationArm {
  /** One sentence. */
  readonly about: string;
  /** `multi-view` arms see more than one view of their own image; `control` arms are what they must beat. */
  readonly role: 'multi-view' | 'control';
  /** The options that it sets, nested as in `task.options`. */
  readonly sets: Mapping;
}

/** Slots for views in every arm that has several. */
const SLOTS = 4;
const DISTINCT: readonly ViewName[] = ['identity', 'zoom-in', 'zoom-out', 'rotation'];
/** Share by which the zooms 0.8 and 1.25 differ from 1, as augmentation. */
const VIEW_SCALE_SHARE = 0.25;
const VIEW_DEGREES = 15;
const AUXILIARY_WEIGHT = 0.1;

/** The first `distinct` views of the list; the identity fills the other slots. */
function slots(distinct: number): ViewName[] {
  return Array.from({ length: SLOTS }, (_, slot) => (slot < distinct ? DISTINCT[slot]! : 'identity'));
}

const additive = (model: Mapping = {}): Mapping => ({
  model: { injection: 'additive', views: slots(3), viewNorm: 'each', viewImages: 'own', ...model },
});

export const ABLATION_ARMS = {
  'no-injection': {
    about: 'no views at all: plain self-attention',
    role: 'control',
    sets: { model: { injection: 'none', views: ['identity'] } },
  },
  augmented: {
    about: 'no views, but the training images are zoomed and turned at random as the views would be',
    role: 'control',
    sets: {
      model: { injection: 'none', views: ['identity'] },
      augmentation: { scaleShare: VIEW_SCALE_SHARE, rotateDegrees: VIEW_DEGREES },
    },
  },
  placebo: {
    about: `${SLOTS} times the identity: the cost of views without anything new to see`,
    role: 'control',
    sets: additive({ views: slots(1) }),
  },
  ghosted: {
    about: 'three views, but only their sum is normalised: one blurred picture',
    role: 'control',
    sets: additive({ viewNorm: 'sum' }),
  },
  shuffled: {
    about: 'three views of the neighbouring image in the micro-batch',
    role: 'control',
    sets: additive({ viewImages: 'shuffled' }),
  },
  'views-1': {
    about: 'the identity alone, in one slot',
    role: 'control',
    sets: additive({ views: slots(1).slice(0, 1) }),
  },
  'views-2': { about: 'identity and zoom-in', role: 'multi-view', sets: additive({ views: slots(2) }) },
  'views-3': { about: 'identity, zoom-in and zoom-out', role: 'multi-view', sets: additive() },
  'views-4': {
    about: 'identity, zoom-in, zoom-out and rotation',
    role: 'multi-view',
    sets: additive({ views: slots(4) }),
  },
  'weights-normalised': {
    about: 'three views, weights w_i^2 / sum w_j^2',
    role: 'multi-view',
    sets: additive({ viewWeights: 'normalised' }),
  },
  'weights-raw': { about: 'three views, weights w_i^2', role: 'multi-view', sets: additive({ viewWeights: 'raw' }) },
  'weights-uniform': {
    about: 'three views, every weight the same and none learned',
    role: 'multi-view',
    sets: additive({ viewWeights: 'uniform' }),
  },
  cross: {
    about: 'three views as further keys and values of the attention',
    role: 'multi-view',
    sets: additive({ injection: 'cross' }),
  },
  'position-loss': {
    about: 'three views, and a loss that tells how far apart two tokens are',
    role: 'multi-view',
    sets: additive({ auxiliary: { relativePosition: AUXILIARY_WEIGHT, completion: 0 } }),
  },
  'completion-loss': {
    about: 'three views, and a loss that rebuilds hidden patches from the other views',
    role: 'multi-view',
    sets: additive({ auxiliary: { relativePosition: 0, completion: AUXILIARY_WEIGHT } }),
  },
} as const satisfies Record<string, AblationArm>;

export type ArmName = keyof typeof ABLATION_ARMS;

export const ARM_NAMES = Object.keys(ABLATION_ARMS) as readonly ArmName[];
