/**
 * What configurations know of the multi-view task: its options, its presets, the arms of its ablation. Loads no TensorFlow.js, so
 * that a command can judge a configuration before it starts anything.
 */
export { ABLATION_ARMS, ARM_NAMES, type AblationArm, type ArmName } from './config/ablation-arms.js';
export { NORMS, PUBLISHED_ADVERSARIES, type AdversarialConfig, type Norm } from './config/adversarial-schema.js';
export { NO_AUGMENTATION, type AugmentationConfig } from './config/augmentation-schema.js';
export { VIEW_NAMES, type ModelConfig } from './config/model-schema.js';
export { MULTI_VIEW } from './config/multi-view.js';
export { isMultiView, requireMultiView, type MultiView, type MultiViewOptions } from './config/options.js';
export { PRESET_NAMES, PRESET_RECORDS, PRESETS, type PresetName, type PresetRecord } from './config/presets.js';
