/**
 * The configuration schema of a run. `trainingSchema` decides the arithmetic and is fixed for the life of a run.
 * `operationSchema` says where and how the run is computed, and may change at every resume.
 */
import { z } from 'zod';
import { changeSchema, MOST_EPOCHS } from './change-schema.js';
import { DATASETS } from '../datasets/registry.js';
import { DEVICES, ENGINE_NAMES } from './engines.js';
import { atMost, positiveInteger } from './bounds.js';
import { optimizerSchema } from './optimizer-schema.js';

/** The longest wait that a timer of Node has, in ms; it takes a longer one for 1 ms. */
const MOST_MS = 2 ** 31 - 1;
const port = z.int().min(0).max(65_535);
/** Default of `exchange.messageBytes`. Measured: messages of a quarter of this cost 10 to 20 % more CPU time. */
export const MESSAGE_BYTES = 1024 * 1024;
const MOST_MESSAGE_BYTES = 64 * 1024 * 1024;
const MOST_BUCKET_BYTES = 1024 * 1024 * 1024;
/** Workers of a run. As many peers may pull from one worker (exchange-server.ts), and as many ranks has the cost model. */
export const MOST_WORKERS = 4_096;

/** Formats that sums of gradients are rounded to. The index of a format is its code on the wire. */
export const GRADIENT_FORMATS = ['fp32', 'bf16', 'fp16', 'int8'] as const;
export type GradientFormatName = (typeof GRADIENT_FORMATS)[number];

/**
 * The version of a step's arithmetic, which a run keeps for its life. This build trains by the newest one alone; models of every
 * version can be used.
 *
 * 1: until 2026-11-28. The norm that clips took in the accounting behind the gradient: about 32,840 at a global batch of 256.
 * 2: the norm that clips is the gradient's.
 */
export const ARITHMETIC = 2;

/** Of a task that a configuration names, or that a module of the user's own has: one of `name` and `module` is set. */
const taskSchema = z.strictObject({
  name: z.string().min(1).optional().describe('The name of a task that comes with Facet: multiview.'),
  module: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of a module of your own, instead of a name. Every machine may have it elsewhere, so it is no part of what ' +
        'decides the arithmetic.',
    ),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe("Of the module's source; taken when the run is started. Workers with another one are refused."),
  options: z
    .record(z.string(), z.unknown())
    .default(() => ({}))
    .describe('What the task itself reads.'),
});

export const trainingSchema = z.strictObject({
  dataset: z
    .enum(DATASETS)
    .optional()
    .describe('What to train on, by name. Absent where a task brings its own samples.'),
  preset: z.string().describe('The preset, or the name of the task.'),
  seed: z.int().min(0).describe('Fixes every random choice of the run.'),
  arithmetic: z
    .int()
    .min(1)
    .default(1)
    .describe(
      "The version of a step's arithmetic, which a run keeps for its life. A configuration without it " +
        'is of the first one.',
    ),
  epochs: positiveInteger.max(MOST_EPOCHS).describe('Passes over the training set.'),
  samples: z
    .strictObject({
      train: z
        .int()
        .min(0)
        .describe(
          'Samples of the training split to train on, from its first one that is not held out; 0 means all ' +
            'of them.',
        ),
      test: z.int().min(0).describe('Samples of the test split to evaluate, from its first one; 0 means all of them.'),
      heldOut: z
        .int()
        .min(0)
        .default(0)
        .describe('How many images of the training split are never trained on. They are the same ones for every seed.'),
    })
    .describe('How many samples take part.'),
  evaluation: z
    .enum(['test', 'held-out'])
    .default('test')
    .describe(
      'What is evaluated after every epoch. Make choices on held-out images, and use the test split for ' +
        'the last word.',
    ),
  batch: z
    .strictObject({
      global: positiveInteger.max(65_536).describe('Samples of one step, over all workers.'),
      micro: positiveInteger
        .max(4_096)
        .describe(
          'Samples of one call of the program. Larger ones take more memory; smaller ones can be shared by ' +
            'more workers.',
        ),
    })
    .describe('How many samples are computed together.'),
  task: taskSchema.describe('What is trained: a task that comes with Facet, or one of your own, and its options.'),
  optimizer: optimizerSchema.describe('How an update is made of a gradient, and how large it is at each step.'),
  gradientFormat: z
    .enum(GRADIENT_FORMATS)
    .default('fp32')
    .describe('The format that every sum of gradients is rounded to and sent in. `fp32` rounds nothing.'),
  start: z
    .strictObject({
      from: z.string().min(1).describe('Run and step that they come from.'),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('Of the flat little-endian weights before the first step.'),
    })
    .optional()
    .describe('The weights that the run starts with, instead of those that the seed gives.'),
  freeze: z
    .array(z.string().min(1))
    .max(256)
    .default(() => [])
    .describe('Names of parameters that the update leaves alone, with `*` for any characters: `stem.*`.'),
  changes: z
    .array(changeSchema)
    .max(1_000)
    .default(() => [])
    .describe(
      'What resumes changed, in order. The other keys say what holds now; these say what held before, ' +
        'and until which step.',
    ),
});

export const operationSchema = z.strictObject({
  run: z.string().min(1).describe('The name of the run, which is that of its folder.'),
  data: z
    .enum(['stream', 'local'])
    .describe('`stream`: pixels travel over NATS. `local`: only sample ids do, and every worker holds the dataset.'),
  dataFolder: z.string().optional().describe("A folder with the dataset's files, instead of the default source."),
  workers: z
    .strictObject({
      count: positiveInteger.max(MOST_WORKERS).describe('Workers to wait for before the first step.'),
      min: positiveInteger.max(MOST_WORKERS).describe('Training goes on with no fewer than these.'),
      max: positiveInteger
        .max(MOST_WORKERS)
        .describe('No more workers than these train together; others wait as spares.'),
    })
    .describe('How many workers train together.'),
  engine: z
    .strictObject({
      name: z
        .enum(['auto', ...ENGINE_NAMES])
        .describe('`auto`: every worker takes the fastest one that works on its machine.'),
      device: z
        .enum(['auto', ...DEVICES])
        .describe('Where the engine computes; auto takes the fastest device that works.'),
      threads: z
        .int()
        .min(0)
        .max(1_024)
        .describe('Threads per worker. 0 divides the cores of a host among its workers.'),
    })
    .describe('What computes gradients.'),
  checkpoint: z
    .strictObject({
      everySteps: atMost(1_000_000_000).describe('A checkpoint after so many steps, and one after every epoch.'),
      keep: atMost(1_000_000).describe('How many of the newest checkpoints are kept, beside the best one.'),
      best: z
        .string()
        .min(1)
        .default('auto')
        .describe(
          'The checkpoint that is kept beside the newest ones, and what patience waits for: the best by ' +
            '`accuracy`, `loss` or a metric of the task. `auto`: by accuracy, or by loss where answers are no ' +
            'classes.',
        ),
      bestMode: z
        .enum(['auto', 'max', 'min'])
        .default('auto')
        .describe(
          'Whether a larger or a smaller value is better. `auto`: larger for accuracy, smaller for loss; a ' +
            'metric needs one.',
        ),
    })
    .describe('When checkpoints are taken, and which are kept.'),
  stopWhen: z
    .array(z.string())
    .max(16)
    .default([])
    .describe(
      'Rules that end the run after an epoch, decided on held-out samples: `accuracy>=0.99` when a ' +
        'figure is reached, `patience=5` when so many evaluations in a row were not the best.',
    ),
  prefetchSteps: positiveInteger.max(64).describe('Steps whose samples are sent ahead of the step under way.'),
  bucketBytes: positiveInteger
    .min(4_096)
    .max(MOST_BUCKET_BYTES)
    .describe('Size of the pieces that a gradient is reduced in, in bytes.'),
  exchange: z
    .strictObject({
      transport: z
        .enum(['auto', 'unix', 'tcp', 'grpc'])
        .describe(
          'How gradients travel between workers of one host. `auto`: through shared memory. `unix`: on Unix ' +
            'sockets. `tcp`: on TCP sockets. `grpc`: in the messages of the gRPC stream, which takes about ' +
            'five times as long as `tcp`. Between hosts `auto` and `unix` mean `tcp`.',
        ),
      groupSize: z
        .int()
        .min(0)
        .max(256)
        .default(0)
        .describe(
          'How many workers add up their gradients before they talk to the others, if that divides the ' +
            'number of workers. 0: the workers of one host do so, if every host has as many.',
        ),
      messageBytes: positiveInteger
        .min(4_096)
        .max(MOST_MESSAGE_BYTES)
        .default(MESSAGE_BYTES)
        .describe('Largest size of a message, in bytes of float32 values. Smaller messages cost more CPU time.'),
    })
    // For models that were trained before this section existed.
    .default({ transport: 'auto', groupSize: 0, messageBytes: MESSAGE_BYTES })
    .describe('How gradients travel between workers.'),
  balance: z
    .boolean()
    .default(false)
    .describe(
      'Shares of a step follow the measured speed of the workers; otherwise they are even. The weights ' +
        'are the same.',
    ),
  stragglers: z
    .strictObject({
      factor: z
        .number()
        .min(1.1)
        .max(100)
        .describe("Report a worker whose median time of a step is this many times the others'."),
      steps: positiveInteger.min(10).max(10_000).describe('Steps that the median is taken over.'),
      exclude: z.boolean().describe('Also remove it, while more than workers.min workers remain.'),
    })
    .default({ factor: 1.5, steps: 100, exclude: false })
    .describe('What is done about a worker that all others wait for.'),
  timeouts: z
    .strictObject({
      heartbeatMs: atMost(MOST_MS).describe('A worker that is silent for this long is excluded.'),
      stepMs: atMost(MOST_MS).describe('Longest wait for one contribution of a peer, and for one shard.'),
      gatherMs: atMost(MOST_MS).describe(
        'Longest wait for the first workers, for a new generation to form, and for a lost coordinator to ' +
          'come back.',
      ),
    })
    .describe('How long is waited for others.'),
  nats: z
    .strictObject({
      url: z
        .string()
        .describe('Its address, as coordinator and workers reach it. Of a cluster: all of them, with commas between.'),
      workerUrl: z
        .string()
        .optional()
        .describe('What workers are told instead: another address, or the login of a user with fewer rights.'),
      replicas: z
        .int()
        .min(1)
        .max(5)
        .optional()
        .describe('How many servers of a cluster keep a copy of shards, lease and stored run. Default: 1.'),
    })
    .describe('The message broker.'),
  coordinator: z
    .strictObject({
      host: z.string().describe('Address to listen on; `auto` means every address of the machine.'),
      advertise: z
        .string()
        .optional()
        .describe(
          'What workers, displays and Prometheus are told instead: HOST or HOST:PORT. With `auto` and ' +
            'without it: the address that reaches the broker.',
        ),
      port: port.describe('Port for workers; 0 takes any free one.'),
      httpPort: port.describe('Port for metrics and status; 0 takes any free one.'),
    })
    .describe('Where the coordinator listens.'),
  tls: z
    .strictObject({
      folder: z
        .string()
        .min(1)
        .describe(
          'Folder with `ca.crt`, `tls.crt` and `tls.key`, on the machine of the coordinator, and with `ca.crl` if there is one.',
        ),
      http: z
        .enum(['tls', 'plain'])
        .default('tls')
        .describe(
          'Port for metrics and status: `tls` asks for a certificate too, or for a login; `plain` is for a network of its own.',
        ),
    })
    .optional()
    .describe(
      'Encrypts connections, and asks everybody for a certificate with a role. Workers have a folder of their own.',
    ),
});

export const configSchema = z.strictObject({ ...trainingSchema.shape, ...operationSchema.shape });

export type RunConfig = z.infer<typeof configSchema>;
export type TrainingConfig = z.infer<typeof trainingSchema>;
export type TaskConfig = z.infer<typeof taskSchema>;

/** A task in a module of the user's own. */
export type ModuleTask = TaskConfig & { readonly module: string };

/** The module that a configuration trains; undefined where it names a task. */
export function moduleTask({ task }: Pick<TrainingConfig, 'task'>): ModuleTask | undefined {
  const { module } = task;
  return module === undefined ? undefined : { ...task, module };
}

/** The version of the schema; workers and coordinator of different versions refuse each other. */
export const CONFIG_VERSION = 5;
