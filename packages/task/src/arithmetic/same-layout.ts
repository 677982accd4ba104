/** Whether stored weights are those of a model. */
import { TrainingError, type ParameterLayout } from '@facet/shared';

/** @throws TrainingError CHECKPOINT_INCOMPATIBLE naming the first parameter that differs. */
export function requireSameLayout(
  expected: readonly Pick<ParameterLayout, 'name' | 'shape'>[],
  actual: readonly ParameterLayout[],
): void {
  const describe = (layout: Pick<ParameterLayout, 'name' | 'shape'> | undefined): string =>
    layout === undefined ? 'nothing' : `${layout.name} [${layout.shape.join(', ')}]`;
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (describe(expected[i]) === describe(actual[i])) continue;
    throw new TrainingError(
      'CHECKPOINT_INCOMPATIBLE',
      `the checkpoint's parameter ${i} is ${describe(actual[i])}, the model of this version has ${describe(expected[i])}; use the version of Facet that wrote it`,
    );
  }
}
