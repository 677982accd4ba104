/**
 * What a pass is: a pure function from program to program that keeps its meaning. A pass only renames values and
 * appends new ones, so ids stay valid throughout. The sign of a zero is not part of the meaning: x + 0 may become x.
 */
import type { NamedValue, Program, ValueId } from '../program/program.js';

export type Pass = (program: Program) => Program;

/** The outputs of a program under new ids; their names stay. */
export function renameOutputs(outputs: readonly NamedValue[], renamed: (id: ValueId) => ValueId): NamedValue[] {
  return outputs.map(({ name, id }) => ({ name, id: renamed(id) }));
}
