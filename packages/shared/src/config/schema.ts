/**
 * The configuration schema of a run. `trainingSchema` decides the arithmetic and is fixed for the life of a run.
 * `operationSchema` says where and how the run is computed, and may change at every resume.
 */
import { z } from 'zod';
import { adversarialSchema, NO_ADVERSARY } from './adversarial-schema.js';
import { augmentationSchema } from './augmentation-schema.js';
import { changeSchema, MOST_EPOCHS } from './change-schema.js';
import { DATASETS } from '../datasets/registry.js';
import { DEVICES, ENGINE_NAMES } from './engines.js';
import { optimizerSchema } from './optimizer-schema.js';
import { TrainingError } from '../errors.js';

const positiveInteger = z.int().min(1);
const atMost = (most: number): z.ZodInt => positiveInteger.max(most);
/** Bounds of what a model repeats or allocates: far above what anybody trains, and far below what a made-up file could ask for. */
const MOST_LAYERS = 256;
const MOST_FEATURES = 16_384;
const MOST_PIXELS = 1_024;
const MOST_CHANNELS = 64;
/** The longest wait that a timer of Node has, in ms; it takes a longer one for 1 ms. */
const MOST_MS = 2 ** 31 - 1;
const port = z.int().min(0).max(65_535);
/** Default of `exchange.messageBytes`. Measured: messages of a quarter of this cost 10 to 20 % more CPU time. */
export const MESSAGE_BYTES = 1024 * 1024;
const MOST_MESSAGE_BYTES = 64 * 1024 * 1024;
const MOST_BUCKET_BYTES = 1024 * 1024 * 1024;

/** Formats that sums of gradients are rounded to. The index of a format is its code on the wire. */
export const GRADIENT_FORMATS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type GradientFormatName = (typeof GRADIENT_FORMATS)[number];

export const VIEW_NAMES = ['identity', 'zoom-in', 'zoom-out', 'rotation', 'shift'] as const;

const modelSchema = z.strictObject({
  /** The identity view comes first. A second identity is a placebo: it costs as much as a view and shows nothing new. */
  views: z.array(z.enum(VIEW_NAMES)).min(1).max(4),
  /** How much each view counts: w_i^2 / sum_j w_j^2, w_i^2, or 1/V without a parameter. */
  viewWeights: z.enum(['normalised', 'raw', 'uniform']),
  /** How attention sees the views: added to its input, as further keys and values, or not at all. */
  injection: z.enum(['additive', 'cross', 'none']),
  /** How many blocks see the views, counted from the first. */
  injectionBlocks: atMost(MOST_LAYERS),
  /** `each`: every view is normalised before the views are summed. `sum`: only their sum is, which makes one blurred image. */
  viewNorm: z.enum(['each', 'sum']),
  /** `own`: a sample sees its own views. `shuffled`: it sees those of its neighbour in the micro-batch, as a control. */
  viewImages: z.enum(['own', 'shuffled']),
  /** Side of the patches of a view, in pixels. They overlap if this is more than patchStride * merge. */
  viewPatchSize: atMost(MOST_PIXELS),
  /** Side of the stem's patches in pixels, and (`patchStride`) the distance from one to the next. */
  patchSize: atMost(MOST_PIXELS),
  patchStride: atMost(MOST_PIXELS),
  /** Features per patch in the stem. */
  stemWidth: atMost(MOST_FEATURES),
  /** The initial weights of the stem: random numbers, or cosines that see all frequencies of a patch alike. */
  stemStart: z.enum(['random', 'cosines']).default('random'),
  /** MLPs with token shift on the patches, before they are merged. */
  stemDepth: z.int().min(0).max(MOST_LAYERS).default(0),
  /**
   * Convolutions of 3x3 cells after the patches, each after a norm over the image and a GELU; the merge follows the same way.
   * One that keeps the shape is added to what it reads.
   */
  stemConvolutions: z
    .array(z.strictObject({ features: atMost(MOST_FEATURES), stride: z.int().min(1).max(2) }))
    .max(8)
    .default([]),
  /** Distance from one token to the next, in cells along each side. */
  merge: atMost(MOST_PIXELS),
  /** Side of the window of cells that makes a token. Windows overlap if this is more than `merge`. */
  mergeSize: atMost(MOST_PIXELS),
  /** A learned bias of every head for the offset between two tokens. */
  relativeBias: z.boolean(),
  width: atMost(MOST_FEATURES).multipleOf(8),
  depth: atMost(MOST_LAYERS),
  heads: atMost(MOST_LAYERS),
  mlpRatio: atMost(64),
  /** MLPs after each attention. Each one looks one token further. */
  mlpsPerBlock: atMost(MOST_LAYERS).default(1),
  /** Weights of losses that are used in training only; 0 leaves a loss out. */
  auxiliary: z.strictObject({
    /** Predict from two tokens how far apart they are (Liu et al. 2021, "DrLoc"). */
    relativePosition: z.number().min(0).max(10),
    /** Rebuild hidden patches of the identity view from the other views (Weinzaepfel et al. 2022, "CroCo"). */
    completion: z.number().min(0).max(10),
  }),
  /** Mean and standard deviation per channel of pixels in [0, 1]. */
  pixels: z.strictObject({
    mean: z.array(z.number()).max(MOST_CHANNELS),
    stddev: z.array(z.number().positive()).max(MOST_CHANNELS),
  }),
});

/**
 * The version of a step's arithmetic, which a run keeps for its life. This build trains by the newest one alone; models of every
 * version can be used.
 *
 * 1: until 2026-11-28. The norm that clips took in the accounting behind the gradient: about 32,840 at a global batch of 256.
 * 2: the norm that clips is the gradient's.
 */
export const ARITHMETIC = 2;

const taskSchema = z.strictObject({
  /** Path of the module. Every machine may have it elsewhere, so it is no part of what decides the arithmetic. */
  module: z.string().min(1),
  /** Of the module's source; taken when the run is started. Workers with another one are refused. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** What the task itself reads. */
  options: z.record(z.string(), z.unknown()).default({}),
});

export const trainingSchema = z.strictObject({
  /** Absent where a task brings its own samples. */
  dataset: z.enum(DATASETS).optional(),
  /** The preset, or the name of the task. */
  preset: z.string(),
  seed: z.int().min(0),
  /** See ARITHMETIC; a configuration without it is of the first one. */
  arithmetic: z.int().min(1).default(1),
  epochs: positiveInteger.max(MOST_EPOCHS),
  samples: z.strictObject({
    /** How many samples of a split to use, from its first on; 0 means all of them. */
    train: z.int().min(0),
    test: z.int().min(0),
    /** How many images of the training split are never trained on. They are the same ones for every seed. */
    heldOut: z.int().min(0).default(0),
  }),
  /** What is evaluated after every epoch. Make choices on held-out images, and use the test split for the last word. */
  evaluation: z.enum(['test', 'held-out']).default('test'),
  batch: z.strictObject({ global: positiveInteger.max(65_536), micro: positiveInteger.max(4_096) }),
  /** A task of your own. Absent: the multi-view model, whose keys are `model`, `augmentation` and `adversarial`. */
  task: taskSchema.optional(),
  model: modelSchema.optional(),
  optimizer: optimizerSchema,
  /** The format that every sum of gradients is rounded to and sent in. `fp32` rounds nothing. */
  gradientFormat: z.enum(GRADIENT_FORMATS).default('fp32'),
  augmentation: augmentationSchema.optional(),
  adversarial: adversarialSchema.default(NO_ADVERSARY),
  /** The weights that the run starts with, instead of those that the seed gives. */
  start: z
    .strictObject({
      /** Run and step that they come from. */
      from: z.string().min(1),
      /** Of the flat little-endian weights before the first step. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    })
    .optional(),
  /** Names of parameters that the update leaves alone, with `*` for any characters: `stem.*`. */
  freeze: z
    .array(z.string().min(1))
    .max(256)
    .default(() => []),
  /** What resumes changed, in order. The other keys say what holds now; these say what held before, and until which step. */
  changes: z
    .array(changeSchema)
    .max(1_000)
    .default(() => []),
});

const operationSchema = z.strictObject({
  run: z.string().min(1),
  /** `stream`: pixels travel over NATS. `local`: only sample ids do, and every worker holds the dataset. */
  data: z.enum(['stream', 'local']),
  /** A folder with the dataset's files, instead of the default source. */
  dataFolder: z.string().optional(),
  workers: z.strictObject({
    /** Workers to wait for before the first step. */
    count: positiveInteger.max(256),
    /** Training goes on with no fewer than these. */
    min: positiveInteger.max(256),
    max: positiveInteger.max(256),
  }),
  engine: z.strictObject({
    /** `auto`: every worker takes the fastest one that works on its machine. */
    name: z.enum(['auto', ...ENGINE_NAMES]),
    device: z.enum(['auto', ...DEVICES]),
    /** Threads per worker. 0 divides the cores of a host among its workers. */
    threads: z.int().min(0).max(1_024),
  }),
  checkpoint: z.strictObject({
    everySteps: atMost(1_000_000_000),
    keep: atMost(1_000_000),
    /**
     * The checkpoint that is kept beside the newest ones, and what patience waits for: the best by `accuracy`, `loss` or a metric of
     * the task. `auto`: by accuracy, or by loss where answers are no classes.
     */
    best: z.string().min(1).default('auto'),
    /** Whether a larger or a smaller value is better. `auto`: larger for accuracy, smaller for loss; a metric needs one. */
    bestMode: z.enum(['auto', 'max', 'min']).default('auto'),
  }),
  /**
   * Rules that end the run after an epoch, decided on held-out samples: `accuracy>=0.99` when a figure is reached, `patience=5`
   * when so many evaluations in a row were not the best.
   */
  stopWhen: z.array(z.string()).max(16).default([]),
  prefetchSteps: positiveInteger.max(64),
  bucketBytes: positiveInteger.min(4_096).max(MOST_BUCKET_BYTES),
  exchange: z
    .strictObject({
      /**
       * How gradients travel between workers of one host. `auto`: through shared memory. `unix`: on Unix sockets. `tcp`: on TCP
       * sockets. `grpc`: in the messages of the gRPC stream, which takes about five times as long as `tcp`. Between hosts
       * `auto` and `unix` mean `tcp`.
       */
      transport: z.enum(['auto', 'unix', 'tcp', 'grpc']),
      /**
       * How many workers add up their gradients before they talk to the others, if that divides the number of workers. 0: the
       * workers of one host do so, if every host has as many.
       */
      groupSize: z.int().min(0).max(256).default(0),
      /** Largest size of a message, in bytes of float32 values. Smaller messages cost more CPU time. */
      messageBytes: positiveInteger.min(4_096).max(MOST_MESSAGE_BYTES).default(MESSAGE_BYTES),
    })
    // For models that were trained before this section existed.
    .default({ transport: 'auto', groupSize: 0, messageBytes: MESSAGE_BYTES }),
  /** Shares of a step follow the measured speed of the workers; otherwise they are even. The weights are the same. */
  balance: z.boolean().default(false),
  /**
   * `factor`: report a worker whose median time over `steps` steps is this many times the others'. `exclude`: also remove it,
   * while more than `workers.min` workers remain.
   */
  stragglers: z
    .strictObject({
      factor: z.number().min(1.1).max(100),
      steps: positiveInteger.min(10).max(10_000),
      exclude: z.boolean(),
    })
    .default({ factor: 1.5, steps: 100, exclude: false }),
  timeouts: z.strictObject({
    /** A worker that is silent for this long is excluded. */
    heartbeatMs: atMost(MOST_MS),
    /** Longest wait for one contribution of a peer, and for one shard. */
    stepMs: atMost(MOST_MS),
    /** Longest wait for the first workers, for a new generation to form, and for a lost coordinator to come back. */
    gatherMs: atMost(MOST_MS),
  }),
  nats: z.strictObject({ url: z.string() }),
  coordinator: z.strictObject({ host: z.string(), port, httpPort: port }),
});

export const configSchema = z.strictObject({ ...trainingSchema.shape, ...operationSchema.shape });

export type RunConfig = z.infer<typeof configSchema>;
export type TrainingConfig = z.infer<typeof trainingSchema>;
export type ModelConfig = z.infer<typeof modelSchema>;
export type TaskConfig = z.infer<typeof taskSchema>;

/** A configuration of the multi-view model: it has the keys that the model reads. */
export type MultiView<Config extends TrainingConfig = RunConfig> = Config & {
  readonly [Key in 'dataset' | 'model' | 'augmentation']-?: NonNullable<TrainingConfig[Key]>;
};

/** True for a configuration of the multi-view model. */
export function isMultiView<Config extends TrainingConfig>(config: Config): config is MultiView<Config> {
  return config.task === undefined && config.dataset !== undefined && config.model !== undefined;
}

/**
 * @param what needs the multi-view model: `facet robustness`
 * @throws TrainingError CONFIG_INVALID for a configuration of another task.
 */
export function requireMultiView<Config extends TrainingConfig>(config: Config, what: string): MultiView<Config> {
  if (isMultiView(config)) return config;
  throw new TrainingError(
    'CONFIG_INVALID',
    `${what} is for the multi-view model, but this run trains the task ${config.preset}${config.task && ` (${config.task.module})`}`,
  );
}

/** The version of the schema; workers and coordinator of different versions refuse each other. */
export const CONFIG_VERSION = 4;
