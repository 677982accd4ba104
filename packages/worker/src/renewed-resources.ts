/**
 * What a worker keeps when its coordinator comes back. A resume may have changed what the steps to come are computed with. Then
 * the worker takes the new values and forgets its state: it may have done steps by the old values that nobody committed.
 */
import { changedTrainingKeys, configSchema, createPlan, TrainingError, type RunConfig } from '@facet/shared';
import type { Welcome } from '@facet/proto';
import type { MemberResources } from './membership-generation.js';

export interface Renewal<R> {
  readonly resources: R;
  /** What the worker holds is of no use any more. */
  readonly isChanged: boolean;
}

/**
 * The resources of a worker after another Welcome of its run.
 *
 * @throws TrainingError CONFIG_INVALID when something changed that no resume may change.
 */
export function renewResources<R extends MemberResources>(resources: R, welcome: Welcome): Renewal<R> {
  if (welcome.configDocument.equals(resources.welcome.configDocument)) {
    return { resources: { ...resources, welcome }, isChanged: false };
  }
  const said = configSchema.parse(JSON.parse(welcome.configDocument.toString('utf8')));
  const changed = changedTrainingKeys(resources.config, said);
  if (changed.length === 0) return { resources: { ...resources, welcome }, isChanged: false };
  // Everything else is in programs and buffers that exist already.
  if (!changed.includes('changes')) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the run has another ${changed.join(', ')} than when this worker joined it; start the worker again`,
    );
  }
  const { epochs, optimizer, changes } = said;
  const config: RunConfig = { ...resources.config, epochs, optimizer, changes };
  const plan = createPlan(config, { trainSamples: welcome.trainSamples, testSamples: welcome.testSamples });
  return { resources: { ...resources, welcome, config, plan }, isChanged: true };
}
