/** What the parts of the engine bench have in common. */
import type { BenchContext } from '../bench.js';
import { round } from '../figures.js';
import type { EnginePlan } from './engine-plan.js';
import type { EngineRecord } from './engine-record.js';

export interface EngineScope {
  readonly plan: EnginePlan;
  readonly turns: number;
  readonly record: EngineRecord;
  readonly context: BenchContext;
}

/** A run must not wait for its engine: capture, passes and session have a limit. */
export function checkSetup(what: string, setupMs: number, { plan, record }: EngineScope): void {
  if (setupMs <= plan.limits.setupMs) return;
  record.failures.push(
    `${what}: capture, passes and session took ${round(setupMs)} ms, at most ${plan.limits.setupMs} are allowed`,
  );
}
