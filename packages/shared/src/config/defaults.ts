/**
 * What a configuration says where nobody says otherwise. Presets are of a task, which starts from these values.
 */
import { OPTIMIZER_DEFAULTS } from './optimizer-schema.js';
import { ARITHMETIC, MESSAGE_BYTES, type RunConfig, type TrainingConfig } from './schema.js';

/** AdamW as every preset has it, but for rate, smoothing and average. */
export const ADAMW_RECIPE = {
  ...OPTIMIZER_DEFAULTS,
  clipNorm: 1,
  warmupShare: 0.1,
  weightDecay: 0.05,
} as const;

/** The dataset as a whole, trained once with one seed. */
export const WHOLE_DATASET = {
  seed: 1,
  arithmetic: ARITHMETIC,
  samples: { train: 0, test: 0, heldOut: 0 },
  evaluation: 'test',
  gradientFormat: 'fp32',
  freeze: [] as string[],
  changes: [] as TrainingConfig['changes'],
} as const;

/** What a task of the user's own starts from; the task itself may say better. */
export const TASK_TRAINING = {
  ...WHOLE_DATASET,
  epochs: 3,
  batch: { global: 128, micro: 32 },
  optimizer: { ...ADAMW_RECIPE, peakLearningRate: 1e-3, weightDecay: 0.01, labelSmoothing: 0, emaDecay: 0 },
} as const satisfies Omit<TrainingConfig, 'preset' | 'task'>;

/** Defaults of the operational half of a configuration. */
export const OPERATION_DEFAULTS: Omit<RunConfig, keyof TrainingConfig | 'run'> = {
  data: 'stream',
  workers: { count: 2, min: 1, max: 1_024 },
  engine: { name: 'auto', device: 'auto', threads: 0 },
  checkpoint: { everySteps: 200, keep: 3, best: 'auto', bestMode: 'auto' },
  stopWhen: [],
  prefetchSteps: 8,
  bucketBytes: 4 * 1024 * 1024,
  exchange: { transport: 'auto', groupSize: 0, messageBytes: MESSAGE_BYTES },
  balance: false,
  stragglers: { factor: 1.5, steps: 100, exclude: false },
  timeouts: { heartbeatMs: 1_800, stepMs: 10_000, gatherMs: 120_000 },
  nats: { url: 'nats://127.0.0.1:4222' },
  coordinator: { host: '127.0.0.1', port: 0, httpPort: 0 },
};
