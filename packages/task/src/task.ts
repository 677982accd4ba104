/**
 * What the system knows of what it trains. A task says which parameters there are, how samples become tensors, what the loss
 * of one sample is and what it answers. Everything else is the system's: batches, sums, the update, checkpoints. The system
 * weighs and sums; a task never divides by a batch size and never sees how many workers there are.
 */
import type * as tf from '@tensorflow/tfjs';
import type { SampleBatch, SampleFields } from '@facet/shared';
import type { ParameterSpec } from './arithmetic/parameters.js';

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, tf.Tensor>;

/** A tensor that is filled for every micro-batch. */
export interface TaskInput {
  readonly name: string;
  /** Of the whole micro-batch: [microBatch, ...] for what every sample has. */
  readonly shape: readonly number[];
}

/** Buffers of one micro-batch, filled in place and fed to the engine as they are: one per input, by its name. */
export interface BatchTensors {
  /** [microBatch], 1 for a sample and 0 for padding */
  readonly sampleWeights: Float32Array;
}

/** Which micro-batch it is. What a task draws at random is drawn from this and from the ids of the samples, and so is the same on any worker. */
export interface BatchIdentity {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** From 1. */
  readonly step: number;
  /** Of the micro-batch in its step. */
  readonly index: number;
  /** False in an evaluation: samples go in as they are. */
  readonly isTraining: boolean;
}

/** What training needs of every sample of a micro-batch, [microBatch] each. Padding rows may hold anything finite. */
export interface SampleLosses {
  readonly losses: tf.Tensor1D;
  /** By name, one for each of the task's metrics. The system sums them over the samples of a step. */
  readonly metrics: Readonly<Record<string, tf.Tensor1D>>;
}

/** What an evaluation judges. */
export type Answer =
  /** `predict` gives logits [microBatch, classes]; the field `label` of a sample holds the index of its class. */
  | { readonly kind: 'class'; readonly classes: number; readonly label: string }
  /** Losses and metrics of the samples, without anything that only training does. */
  | { readonly kind: 'losses' };

/** The samples that a task is made for. */
export interface TaskSamples {
  readonly fields: SampleFields;
  /** Names of the classes; none where samples have no classes. */
  readonly classes: readonly string[];
}

/** Where a process that shares no memory finds the task: a module whose `bind` makes it from a JSON value. */
export interface TaskReference {
  /** URL of the module. */
  readonly module: string;
  readonly argument: unknown;
}

/** The gradient of an input: how the loss of each row changes with it, at the current weights. */
export interface InputGradient {
  /** As long as the input. */
  readonly values: Float32Array;
  /** Computes it from what the tensors hold. */
  run(): Promise<void>;
}

export interface AttackedBatch {
  /** [count], the samples in the first rows. */
  readonly ids: Uint32Array;
  readonly seed: number;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** How a task attacks its samples before it trains on them. */
export interface Adversary<T extends BatchTensors = BatchTensors> {
  /** The input that is attacked. */
  readonly input: string;
  /** What the attack climbs, [microBatch], and what of the inputs it is computed from. */
  readonly losses: (parameters: Tensors, inputs: Tensors) => tf.Tensor1D;
  readonly inputs: readonly string[];
  /**
   * Attacks filled tensors in place. When the signal aborts it stops after the gradient at work, and leaves what nobody
   * should train on.
   *
   * @returns how many gradients it took, counted per sample
   */
  attack(tensors: T, gradient: InputGradient, batch: AttackedBatch): Promise<number>;
}

/** A task for micro-batches of one size. */
export interface Task<T extends BatchTensors = BatchTensors> {
  readonly name: string;
  readonly microBatch: number;
  readonly parameters: readonly ParameterSpec[];
  /** Beside `sampleWeights`, which is the system's. */
  readonly inputs: readonly TaskInput[];
  /** Names of the sums that travel behind the gradient, in their order. `correct` counts right answers. */
  readonly metrics: readonly string[];
  readonly answer: Answer;
  /** Inputs that `predict` reads. */
  readonly predictInputs: readonly string[];
  /** Fills every input with the samples, in the first rows; the rest is padding. `sampleWeights` is the system's to fill. */
  prepare(samples: SampleBatch, tensors: T, identity: BatchIdentity): void;
  /** Pure: it is captured once, and the program that comes of it is what runs. */
  loss(parameters: Tensors, inputs: Tensors): SampleLosses;
  /** Pure. [microBatch, ...] */
  predict(parameters: Tensors, inputs: Tensors): tf.Tensor;
  readonly adversary?: Adversary<T> | undefined;
  readonly reference: TaskReference;
}
