/**
 * Looks at a user's task before anything is started: it must be a function that can be captured, and the same one every time.
 */
import { TrainingError, type RunConfig } from '@facet/shared';
import { initialWeights, layoutParameters, type Task, type TaskSamples } from '@facet/task';
import { writeOnnx } from '@facet/compiler';
import { captureEvaluationProgram, captureTrainingProgram } from '@facet/engine';
import { openTask } from './open-task.js';

/**
 * Opens and captures the task of a configuration, twice.
 *
 * @throws TrainingError as `openTask`; TASK_INVALID when the loss has another shape than one number a sample, or when the task
 *   is another one the second time; CAPTURE_UNSUPPORTED naming an operation or a layer.
 */
export async function checkTask(config: RunConfig, samples: TaskSamples): Promise<void> {
  const task = await openTask(config, samples);
  const again = await openTask(config, samples);
  const weightsOf = ({ parameters }: Task): Uint8Array =>
    new Uint8Array(initialWeights(layoutParameters(parameters), config.seed).buffer);
  const places: readonly [what: string, of: (task: Task) => Uint8Array | Promise<Uint8Array>][] = [
    ['its parameters start', weightsOf],
    ['its training program is', async (each) => writeOnnx(await captureTrainingProgram(each))],
    ['its evaluation program is', async (each) => writeOnnx(await captureEvaluationProgram(each))],
  ];
  for (const [what, of] of places) {
    if (isSame(await of(task), await of(again))) continue;
    throw new TrainingError(
      'TASK_INVALID',
      `the task ${task.name} is wrong: ${what} otherwise the second time; it may read no clock and draw nothing at random, for every worker must compute the same: draw from the seed that model gets`,
    );
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
