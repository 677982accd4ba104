/** Whether a coordinator that leads is ready, for probes. The line is for everybody, so it names nobody. */
import { readyWorkers } from '../membership/draft.js';
import type { Membership } from '../membership/state.js';

/** Why no generation runs, in one line; undefined while one does. */
export function whyNotReady({ phase, workers }: Pick<Membership, 'phase' | 'workers'>): string | undefined {
  switch (phase.kind) {
    case 'running':
      return undefined;
    case 'gathering':
      return `the run waits for workers: ${readyWorkers({ workers }).length} of ${phase.wanted} are ready`;
    case 'forming':
      return `generation ${phase.generation} forms`;
    case 'regrouping':
      return `the workers of generation ${phase.generation} regroup`;
    case 'saving':
      return 'every worker leaves; a checkpoint of their state is being taken';
    case 'stopping':
    case 'ended':
      return 'the run ends';
    default:
      return phase satisfies never;
  }
}
