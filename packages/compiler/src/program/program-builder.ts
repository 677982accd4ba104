/**
 * Collects values and nodes while a function is being captured. A builder only appends; `build` freezes what it has.
 */
import type { Constant, DType, NamedValue, Op, Program, ProgramNode, ValueId, ValueType } from './program.js';

export interface ProgramBuilder {
  input(name: string, type: ValueType): ValueId;
  constant(type: ValueType, constant: Constant): ValueId;
  /** Appends a node with one result. */
  node(op: Op, inputs: readonly ValueId[], type: ValueType): ValueId;
  /** Appends a node with several results. */
  nodeWithResults(op: Op, inputs: readonly ValueId[], types: readonly ValueType[]): ValueId[];
  typeOf(id: ValueId): ValueType;
  build(outputs: readonly NamedValue[]): Program;
}

/** Opens an empty program. */
export function createProgramBuilder(name: string): ProgramBuilder {
  const values: ValueType[] = [];
  const inputs: NamedValue[] = [];
  const constants = new Map<ValueId, Constant>();
  const nodes: ProgramNode[] = [];

  const newValue = (shape: readonly number[], dtype: DType): ValueId => values.push({ shape: [...shape], dtype }) - 1;

  return {
    input(inputName, type) {
      const id = newValue(type.shape, type.dtype);
      inputs.push({ name: inputName, id });
      return id;
    },
    constant(type, constant) {
      const id = newValue(type.shape, type.dtype);
      constants.set(id, constant);
      return id;
    },
    node(op, nodeInputs, type) {
      const id = newValue(type.shape, type.dtype);
      nodes.push({ op, inputs: [...nodeInputs], outputs: [id] });
      return id;
    },
    nodeWithResults(op, nodeInputs, types) {
      const ids = types.map((type) => newValue(type.shape, type.dtype));
      nodes.push({ op, inputs: [...nodeInputs], outputs: ids });
      return ids;
    },
    typeOf: (id) => values[id]!,
    build: (outputs) => ({ name, values, inputs, constants, nodes, outputs: [...outputs] }),
  };
}
