/**
 * An operation and the ways to compute it. The first candidate is what the engine does now, and what the others are compared
 * to; a candidate may leave out results that only training needs.
 */
import type { Graph, Value } from './onnx-graph.js';

export type Sizes = readonly number[];

export interface Operation<In extends string = string, Out extends string = string> {
  readonly op: string;
  /** For people. */
  readonly shape: string;
  readonly inputs: Readonly<Record<In, Sizes>>;
  readonly outputs: Readonly<Record<Out, Sizes>>;
  /** Result -> the input of the next copy that it may be, see openCopies. */
  readonly chain?: Readonly<Partial<Record<NoInfer<Out>, NoInfer<In>>>>;
  /** Of inputs that must fit together; the others are random. */
  readonly values?: Readonly<Partial<Record<NoInfer<In>, Float32Array>>>;
  readonly candidates: Readonly<Record<string, Candidate<NoInfer<In>, NoInfer<Out>>>>;
}

export type Candidate<In extends string = string, Out extends string = string> = (
  g: Graph,
  names: Readonly<Record<In, Value>>,
) => Readonly<Partial<Record<Out, Value>>>;

/** Checks that candidates read what is an input and make what is a result. */
export function defineOperation<In extends string, Out extends string>(operation: Operation<In, Out>): Operation {
  return operation;
}
