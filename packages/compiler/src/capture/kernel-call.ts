/**
 * How a recorder sees the call of a tfjs kernel: its inputs as values of the program, and its attributes.
 */
import type { ProgramBuilder } from '../program/program-builder.js';
import type { ValueId } from '../program/program.js';

export interface KernelCall {
  readonly kernelName: string;
  readonly builder: ProgramBuilder;
  /** The value behind a named tensor input. */
  readonly input: (name: string) => ValueId;
  /** Whether an optional input is there. */
  readonly hasInput: (name: string) => boolean;
  /** All tensor inputs in order, for kernels with a variable number of them. */
  readonly inputList: () => ValueId[];
  readonly attrs: object;
}

/** Appends the nodes of one call and returns its result or results. */
export type RecordKernel = (call: KernelCall) => ValueId | ValueId[];

/** tfjs kernel name -> recorder. */
export type KernelTable = Readonly<Record<string, RecordKernel>>;

/** The attributes of a call, of the type that tfjs documents for the kernel. */
export function attributesOf<T>(call: KernelCall): T {
  return call.attrs as T;
}
