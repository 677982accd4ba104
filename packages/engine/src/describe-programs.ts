/**
 * Describes the programs of a configuration without running them, for `facet engine show`.
 */
import { layoutParameters, type Task } from '@facet/task';
import {
  captureProgram,
  type CaptureOptions,
  programLines,
  programCost,
  type ProgramCost,
  countOps,
  type OpKind,
  type Program,
} from '@facet/compiler';
import { compileProgram, describeEvaluation, describeInputGradient, describeTraining } from './micro-batch-program.js';

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
  /** Multiply-accumulates of the matrix products, for the answer to one image. */
  readonly macsPerImage: number;
  readonly microBatch: number;
  readonly programs: readonly ProgramDescription[];
  /** Time to capture and compile all programs. */
  readonly milliseconds: number;
}

/**
 * Captures and compiles the programs that a task is trained and evaluated with, and the one that it attacks its samples with
 * if it does.
 */
export async function describePrograms(task: Task): Promise<ProgramsDescription> {
  const startedAt = performance.now();
  const describe = async (options: CaptureOptions): Promise<ProgramDescription> => {
    const program = await captureProgram(options);
    const compiled = await compileProgram(program);
    return {
      name: program.name,
      captured: formOf(program),
      compiled: { ...formOf(compiled), ...programCost(compiled) },
    };
  };
  const training = await describe(describeTraining(task));
  const evaluation = await describe(describeEvaluation(task));
  const { adversary } = task;
  const attacks = adversary === undefined ? [] : [await describe(describeInputGradient(task, adversary))];
  return {
    parameters: layoutParameters(task.parameters).length,
    macsPerImage: evaluation.compiled.matMulFlops / 2 / task.microBatch,
    microBatch: task.microBatch,
    programs: [training, evaluation, ...attacks],
    milliseconds: performance.now() - startedAt,
  };
}

function formOf(program: Program): ProgramForm {
  return { nodes: program.nodes.length, ops: countOps(program), lines: programLines(program) };
}
