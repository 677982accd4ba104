/**
 * Finds the cost of each arm's model by building its programs. So an arm that cannot be built is found before a study begins.
 * Nothing is trained.
 */
import { describePrograms } from '@facet/engine';
import { multiViewShape, multiViewTask } from '@facet/multiview';
import { datasetShape } from '@facet/shared';
import { requireMultiView, type ArmName } from '@facet/multiview/config';
import type { ArmCost } from './ablation-report.js';
import type { LoadTrial } from './plan-study.js';
import type { PlannedArm } from './study-plan.js';

/** The cost of every arm; arms with the same configuration are built once. */
export async function armCosts(arms: readonly PlannedArm[], load: LoadTrial): Promise<Map<ArmName, ArmCost>> {
  const ofKey = new Map<string, ArmCost>();
  for (const { name, key } of arms) {
    if (!ofKey.has(key)) ofKey.set(key, await costOf(name, load));
  }
  return new Map(arms.map(({ name, key }) => [name, ofKey.get(key)!]));
}

async function costOf(arm: ArmName, load: LoadTrial): Promise<ArmCost> {
  const loaded = await load({ name: arm, arm, seed: 0 });
  const config = requireMultiView(loaded.config, 'a study');
  const { parameters, macsPerImage } = await describePrograms(
    multiViewTask(multiViewShape(datasetShape(config.dataset), config)),
  );
  return { parameters, macsPerImage };
}
