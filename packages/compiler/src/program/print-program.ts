/**
 * Prints a program for people: one line per node, in the order in which they run.
 *
 *   %12 f32[512,64] = matMul(%3, %4) transposeB=true
 */
import {
  elementCount,
  type Constant,
  type DType,
  type Op,
  type Program,
  type ValueId,
  type ValueType,
} from './program.js';

const SHORT_TYPE: Record<DType, string> = { float32: 'f32', int32: 'i32', bool: 'bool' };

/** The lines of a program: inputs, constants, nodes, outputs. */
export function programLines(program: Program): string[] {
  const { values, inputs, constants, nodes, outputs } = program;
  const typed = (id: ValueId): string => `%${id} ${formatType(values[id]!)}`;
  const names = (ids: readonly ValueId[]): string => ids.map((id) => `%${id}`).join(', ');
  return [
    `program ${program.name}`,
    ...inputs.map(({ name, id }) => `  input ${typed(id)} = ${name}`),
    ...[...constants].map(([id, constant]) => `  const ${typed(id)} = ${formatConstant(constant, values[id]!)}`),
    ...nodes.map(({ op, inputs: from, outputs: to }) => {
      const attributes = attributesOf(op);
      return `  ${to.map(typed).join(', ')} = ${op.kind}(${names(from)})${attributes === '' ? '' : ` ${attributes}`}`;
    }),
    ...outputs.map(({ name, id }) => `  output ${name} = %${id}`),
  ];
}

/** A type as programs print it: `f32[512,64]`. */
function formatType({ dtype, shape }: ValueType): string {
  return `${SHORT_TYPE[dtype]}[${shape.join(',')}]`;
}

function formatConstant(constant: Constant, { shape }: ValueType): string {
  if (constant.kind === 'fill') return String(constant.value);
  const first = [...constant.values.subarray(0, 4)].map((value) => Number(value.toPrecision(6))).join(', ');
  return elementCount(shape) <= 4 ? `{${first}}` : `{${first}, ...}`;
}

function attributesOf(op: Op): string {
  return Object.entries(op)
    .filter(([key, value]) => key !== 'kind' && value !== false)
    .map(([key, value]) => `${key}=${Array.isArray(value) ? `[${value.join(',')}]` : String(value)}`)
    .join(' ');
}
