/**
 * What the main thread and the engine process say to each other, beyond what any engine is told (engine-protocol.ts): the
 * process shares no memory, so the plan goes over once, and the buffers that changed go over with every run.
 */
import type { BindingPlan, EngineReply, EngineRequest } from '../engine-protocol.js';
import type { EngineId, EngineName } from '../engine-id.js';
import type { TaskReference } from '@facet/task';

/** Engines that run a task's own functions on a tfjs backend, in a process of their own. */
export type EagerEngineName = Exclude<EngineName, 'onnxruntime'>;

export interface EagerEngineId extends EngineId {
  readonly name: EagerEngineName;
}

/** Buffers by name. */
export type BufferValues = Readonly<Record<string, Float32Array>>;

export interface EagerSessionPlan {
  readonly task: TaskReference;
  /** What `BindingPlan.program` counts. */
  readonly functions: readonly ('train' | 'evaluate')[];
  readonly bindings: readonly BindingPlan[];
  /** Elements of every buffer. */
  readonly bufferLengths: Readonly<Record<string, number>>;
  /** The buffer whose tensors are kept until it changes; those of the others live for one run. */
  readonly residentBuffer: string;
}

export interface ProcessPlan {
  readonly engine: EagerEngineId;
  /** The folder of TensorFlow's binding; undefined for tfjs-cpu. */
  readonly binding: string | undefined;
  readonly session: EagerSessionPlan;
}

export type ProcessRequest =
  | { readonly kind: 'start'; readonly plan: ProcessPlan }
  | (Extract<EngineRequest, { kind: 'run' }> & { readonly buffers: BufferValues })
  | Extract<EngineRequest, { kind: 'close' }>;

export type ProcessReply =
  Exclude<EngineReply, { kind: 'done' }> | { readonly kind: 'done'; readonly buffers: BufferValues };
