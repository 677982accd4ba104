import type { LaunchPlan } from './training-launch.js';

/** Flags that `facet up` and `facet resume` have in common. */
export interface LaunchFlags {
  readonly standby?: boolean;
  readonly tensorboard?: boolean;
  readonly secure?: boolean;
  readonly insecure?: boolean;
  readonly maxRestarts: number;
}

/** What flags say of a launch. */
export function plannedBy({ standby, tensorboard, insecure, maxRestarts }: LaunchFlags): {
  readonly hasStandby: boolean;
  readonly hasTensorboard: boolean;
  readonly isInsecure: boolean;
  readonly maxRestarts: number;
} {
  return {
    hasStandby: standby === true,
    hasTensorboard: tensorboard === true,
    isInsecure: insecure === true,
    maxRestarts,
  };
}

/** Whether connections are encrypted: beyond this machine nothing is in the open by accident. */
export function isSecureLaunch({ secure, insecure }: LaunchFlags, hosts: LaunchPlan['hosts']): boolean {
  return secure === true || (hosts !== undefined && insecure !== true);
}
