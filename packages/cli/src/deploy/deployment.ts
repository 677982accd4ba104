/** What `facet deploy` makes from a configuration. */
import type { Mapping, RunConfig } from '@facet/shared';

/** A configuration that is to run elsewhere. */
export interface DeployOrder {
  readonly config: RunConfig;
  /** Only what somebody said. */
  readonly said: Mapping;
  /** Whether somebody named the run; else the target names it. */
  readonly hasName: boolean;
}

export interface Deployment {
  /** What goes to stdout. */
  readonly text: string;
  /** One sentence each about what the target decides in place of the configuration. */
  readonly notes: readonly string[];
}
