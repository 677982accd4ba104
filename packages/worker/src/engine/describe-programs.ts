/**
 * What the programs of a configuration are, without running them: what `facet engine show` prints.
 */
import { createModel } from '../model/multi-view-transformer.js';
import { layoutParameters } from '../model/parameters.js';
import { describeAttack } from './attack-program.js';
import { captureProgram } from './capture/capture.js';
import { compileProgram, describeEvaluation, describeTraining, type MicroBatchShape } from './micro-batch-program.js';
import { programLines } from './program/print-program.js';
import { programCost, type ProgramCost } from './program/program-cost.js';
import { countOps, type OpKind, type Program } from './program/program.js';

export interface ProgramForm {
  readonly nodes: number;
  /** How often each kind of node occurs, most frequent first. */
  readonly ops: readonly (readonly [OpKind, number])[];
  /** The program in text, one line per node. */
  readonly lines: readonly string[];
}

export interface ProgramDescription {
  readonly name: string;
  /** As recorded from tfjs, with coarse nodes. */
  readonly captured: ProgramForm;
  /** As an engine runs it. */
  readonly compiled: ProgramForm & ProgramCost;
}

export interface ProgramsDescription {
  readonly parameters: number;
  readonly microBatch: number;
  readonly programs: readonly ProgramDescription[];
  /** Time to capture and compile all programs. */
  readonly milliseconds: number;
}

/** Captures and compiles the programs of a micro-batch shape; the attack program when the run trains on attacked samples. */
export async function describePrograms(
  shape: MicroBatchShape,
  { isAttacked }: { readonly isAttacked: boolean },
): Promise<ProgramsDescription> {
  const startedAt = performance.now();
  const programs: ProgramDescription[] = [];
  const attacks = isAttacked ? [describeAttack(shape, 'cross-entropy')] : [];
  for (const described of [describeTraining(shape), describeEvaluation(shape), ...attacks]) {
    const program = await captureProgram(described);
    const compiled = await compileProgram(program);
    programs.push({
      name: program.name,
      captured: formOf(program),
      compiled: { ...formOf(compiled), ...programCost(compiled) },
    });
  }
  return {
    parameters: layoutParameters(createModel(shape).parameters).length,
    microBatch: shape.microBatch,
    programs,
    milliseconds: performance.now() - startedAt,
  };
}

function formOf(program: Program): ProgramForm {
  return { nodes: program.nodes.length, ops: countOps(program), lines: programLines(program) };
}
