/**
 * Runs a program on the reference interpreter: node by node, in float64. Slow, and independent of the writers and engines
 * that are checked against it. With precision float32 every result is rounded once, as by an engine without rounding errors
 * inside an operation.
 */
import { TrainingError } from '@facet/shared';
import { interpretNode } from './interpret-node.js';
import { elementCount, type Program, type ValueId } from './program.js';
import { constantArray, roundArray, type Precision, type RealArray } from './real-array.js';

/** Numbers by the name of an input or output, row-major; bool is 0 and 1. */
export type NumbersByName = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Runs a lowered program on named inputs.
 *
 * @throws TrainingError INTERNAL when an input is missing or has another size than its type, or the program is not valid.
 */
export function interpretProgram(
  program: Program,
  inputs: NumbersByName,
  precision: Precision = 'float64',
): Record<string, Float64Array> {
  const arrays = new Map<ValueId, RealArray>();
  for (const { name, id } of program.inputs) {
    const { shape } = program.values[id]!;
    const numbers = inputs[name];
    if (numbers?.length !== elementCount(shape)) {
      throw new TrainingError(
        'INTERNAL',
        `program ${program.name}: input ${name} needs ${elementCount(shape)} numbers [${shape.join(', ')}], got ${numbers?.length ?? 'none'}`,
      );
    }
    arrays.set(id, { shape, values: Float64Array.from(numbers) });
  }
  for (const [id, constant] of program.constants) {
    arrays.set(id, constantArray(constant, program.values[id]!.shape));
  }
  const arrayOf = (id: ValueId): RealArray => {
    const array = arrays.get(id);
    if (array !== undefined) return array;
    throw new TrainingError('INTERNAL', `program ${program.name} reads value ${id} before it is computed`);
  };
  for (const { op, inputs: operands, outputs } of program.nodes) {
    const types = outputs.map((id) => program.values[id]!);
    const results = interpretNode(op, operands.map(arrayOf), types);
    results.forEach((result, i) => arrays.set(outputs[i]!, roundArray(result, types[i]!.dtype, precision)));
  }
  return Object.fromEntries(program.outputs.map(({ name, id }) => [name, arrayOf(id).values]));
}
