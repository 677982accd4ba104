/**
 * Describes the programs of a configuration without running them, for `facet engine show`.
 */
import type { DatasetShape, TrainingConfig } from '@facet/shared';
import { createModel } from '../model/multi-view-transformer.js';
import { layoutParameters } from '@facet/task';
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
import { describeAttack } from './attack-program.js';
import { compileProgram, describeEvaluation, describeTraining, microBatchShape } from './micro-batch-program.js';

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
 * Captures and compiles the programs that a configuration is trained and evaluated with, for images of a dataset; the attack
 * program when the run trains on attacked samples.
 */
export async function describePrograms(
  dataset: DatasetShape,
  config: Pick<TrainingConfig, 'model' | 'batch' | 'optimizer' | 'adversarial'>,
): Promise<ProgramsDescription> {
  const startedAt = performance.now();
  const shape = microBatchShape(dataset, config);
  const describe = async (options: CaptureOptions): Promise<ProgramDescription> => {
    const program = await captureProgram(options);
    const compiled = await compileProgram(program);
    return {
      name: program.name,
      captured: formOf(program),
      compiled: { ...formOf(compiled), ...programCost(compiled) },
    };
  };
  const training = await describe(describeTraining(shape));
  const evaluation = await describe(describeEvaluation(shape));
  const attacks = config.adversarial.eps > 0 ? [await describe(describeAttack(shape, 'cross-entropy'))] : [];
  return {
    parameters: layoutParameters(createModel(shape).parameters).length,
    macsPerImage: evaluation.compiled.matMulFlops / 2 / shape.microBatch,
    microBatch: shape.microBatch,
    programs: [training, evaluation, ...attacks],
    milliseconds: performance.now() - startedAt,
  };
}

function formOf(program: Program): ProgramForm {
  return { nodes: program.nodes.length, ops: countOps(program), lines: programLines(program) };
}
