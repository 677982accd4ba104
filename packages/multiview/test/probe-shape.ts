/** A small multi-view model for tests. It has every part of the real one, and few of each. */
import { PRESETS } from '../src/config/presets.js';
import { multiViewTask, type MultiViewShape } from '../src/task/multi-view-task.js';

export const PROBE_SHAPE: MultiViewShape = {
  image: { height: 12, width: 12, channels: 1 },
  classes: 10,
  config: { ...PRESETS['mnist-fast'].task.options.model, width: 16, depth: 2, heads: 2 },
  microBatch: 6,
  labelSmoothing: 0.1,
};

export const SMALL_TASK = multiViewTask(PROBE_SHAPE);
