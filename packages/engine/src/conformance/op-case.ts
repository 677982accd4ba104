/**
 * One case of the conformance suite: a function of tensors with the numbers to call it on. From it come two computations,
 * the function alone and the function with its gradients, each as captured program and as what was captured.
 */
import * as tf from '@tensorflow/tfjs';
import {
  captureProgram,
  type CaptureOptions,
  type ProgramInput,
  lower,
  type NumbersByName,
  elementCount,
  type Program,
  type ValueType,
} from '@facet/compiler';
import { mendGradients } from '../mended-gradients.js';

export interface CaseInput extends ValueType {
  /** Row-major, each exactly a float32. */
  readonly values: readonly number[];
  /** Whether a gradient is taken for it. */
  readonly isVariable: boolean;
}

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  /** Called with a tensor per input; returns a float32 tensor. */
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
}

/** What an engine runs: a lowered program, or the function that it was captured from. */
export interface Computation {
  readonly program: Program;
  readonly inputs: readonly ProgramInput[];
  readonly build: CaptureOptions['build'];
}

export interface CapturedCase {
  /** Output: `y`. */
  readonly forward: Computation;
  /** Outputs: `y` and `grad:NAME` for every variable, the gradient of sum(y * cotangent). */
  readonly gradient: Computation;
  /** The numbers for both, `cotangent` included. */
  readonly numbers: NumbersByName;
  /** Names of the inputs that have a gradient. */
  readonly variables: readonly string[];
}

/** Captures both computations of a case. */
export async function captureCase({ name, inputs, compute }: OpCase): Promise<CapturedCase> {
  mendGradients();
  const named: ProgramInput[] = inputs.map(({ shape, dtype }, i) => ({ name: `x${i}`, shape, dtype }));
  const names = named.map((input) => input.name);
  const variables = names.filter((_, i) => inputs[i]!.isVariable);
  const tensorsOf = (tensors: ReadonlyMap<string, tf.Tensor>): tf.Tensor[] => names.map((n) => tensors.get(n)!);

  const forward = await captureComputation(name, named, (tensors) => ({ y: compute(...tensorsOf(tensors)) }));
  const { shape } = forward.program.values[forward.program.outputs[0]!.id]!;

  const withCotangent: ProgramInput[] = [...named, { name: 'cotangent', shape, dtype: 'float32' }];
  const gradient = await captureComputation(`${name}, gradient`, withCotangent, (tensors) => {
    if (variables.length === 0) return { y: compute(...tensorsOf(tensors)) };
    let y: tf.Tensor | undefined;
    const weightedSum = (...variableTensors: tf.Tensor[]): tf.Scalar => {
      const all = new Map([...tensors, ...variables.map((n, i) => [n, variableTensors[i]!] as const)]);
      y = tf.keep(compute(...tensorsOf(all)));
      return y.mul(tensors.get('cotangent')!).sum();
    };
    const { grads } = tf.valueAndGrads(weightedSum)(variables.map((n) => tensors.get(n)!));
    return { y: y!, ...Object.fromEntries(variables.map((n, i) => [`grad:${n}`, grads[i]!])) };
  });
  const cotangent = Array.from({ length: elementCount(shape) }, (_, i) => ((i * 7) % 5) / 4 - 0.625);
  return {
    forward,
    gradient,
    numbers: { ...Object.fromEntries(inputs.map(({ values }, i) => [`x${i}`, values])), cotangent },
    variables,
  };
}

async function captureComputation(
  name: string,
  inputs: readonly ProgramInput[],
  build: CaptureOptions['build'],
): Promise<Computation> {
  return { program: await lower(await captureProgram({ name, inputs, build })), inputs, build };
}
