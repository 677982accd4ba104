/**
 * What the main thread and an engine say to each other. Buffers are memory that the main thread shares with the engine
 * thread; onnxruntime-node cannot read shared memory, so that thread keeps a private mirror of every buffer and copies what a
 * run needs. An engine in a process of its own gets copies: see tfjs/process-protocol.ts.
 */
import type { Program } from '@facet/compiler';
import type { SessionOptions } from './onnxruntime/ort-session.js';

/** A slice of a named shared buffer, in float32 elements. */
export interface BufferSlice {
  readonly buffer: string;
  readonly offset: number;
  readonly length: number;
}

/** A program bound to slices of buffers. */
export interface BindingPlan {
  readonly program: number;
  readonly inputs: Readonly<Record<string, BufferSlice>>;
  readonly outputs: Readonly<Record<string, BufferSlice>>;
}

export interface EnginePlan {
  readonly session: SessionOptions;
  readonly programs: readonly Program[];
  readonly buffers: Readonly<Record<string, SharedArrayBuffer>>;
  readonly bindings: readonly BindingPlan[];
}

/** What the main thread asks; after `close` the engine releases what it holds and ends by itself. */
export type EngineRequest = ({ readonly kind: 'run' } & RunRequest) | { readonly kind: 'close' };

export interface RunRequest {
  readonly binding: number;
  /** Buffers whose content changed since the engine last saw it. */
  readonly copyIn: readonly string[];
}

export type EngineReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
