/**
 * The report of a chaos run: counts, and one sentence for each broken promise. The independent checker judges the ledger from
 * its file. The right weights are those of the fault-free run of the same configuration.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunResult } from '@facet/coordinator';
import { checkLedgerFile, TrainingError } from '@facet/shared';
import { CHAOS_KINDS, type ChaosFault, type ChaosKind } from './chaos-schedule.js';
import type { ChaosEnd, ChaosSetup } from './chaos-launch.js';

/** The guard of a broker gives it 3 s before it kills it, and on a busy machine all of that takes longer. */
const GROUP_GRACE_MS = 10_000;
const POLL_MS = 25;

/** One run under faults. */
export interface ChaosTrial {
  readonly run: string;
  readonly seconds: number;
  readonly outcome: RunResult['outcome'] | undefined;
  readonly weightsSha256: string | undefined;
  readonly generations: number | undefined;
  readonly faults: number;
  readonly violations: readonly string[];
}

export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly workers: number;
  readonly setup: ChaosSetup;
  readonly faultFree: { readonly run: string; readonly seconds: number; readonly weightsSha256: string | undefined };
  readonly trials: readonly ChaosTrial[];
  readonly faults: Readonly<Record<ChaosKind, number>>;
  readonly violations: number;
  /** The command that repeats it. */
  readonly repeat: string;
}

export interface TrialFacts {
  readonly run: string;
  readonly seconds: number;
  readonly end: ChaosEnd;
  readonly expectedSha256: string | undefined;
  /** Time for processes that were ended with the run to be gone. Default: 10 s. */
  readonly graceMs?: number;
}

/** Judges one run. */
export async function judgeTrial(facts: TrialFacts): Promise<ChaosTrial> {
  const { run, seconds, end, expectedSha256, graceMs = GROUP_GRACE_MS } = facts;
  const { result, faults, violations, pids, ledgerFile, storedLedger } = end;
  const problems = [...violations];
  if (result !== undefined && result.outcome !== 'finished') {
    problems.push(`the run ${result.outcome}: ${result.code ?? ''} ${result.message ?? ''}`);
  }
  problems.push(...(await ledgerProblems(ledgerFile)).map((problem) => `ledger: ${problem}`));
  if (storedLedger !== undefined) {
    problems.push(...(await ledgerProblems(storedLedger)).map((problem) => `ledger in the store: ${problem}`));
  }
  if (result?.weightsSha256 !== expectedSha256) {
    problems.push(
      `the weights are ${result?.weightsSha256 ?? 'unknown'}, without faults ${expectedSha256 ?? 'unknown'}`,
    );
  }
  for (const pid of await groupsLeft(pids, graceMs)) problems.push(`process group ${pid} was left behind`);
  return {
    run,
    seconds,
    outcome: result?.outcome,
    weightsSha256: result?.weightsSha256,
    generations: result?.generations,
    faults: faults.length,
    violations: problems,
  };
}

async function ledgerProblems(file: string): Promise<readonly string[]> {
  try {
    return (await checkLedgerFile(file)).problems;
  } catch (caught) {
    return [TrainingError.from(caught).message];
  }
}

/** How often each kind of fault happened. */
export function countFaults(faults: readonly ChaosFault[]): Record<ChaosKind, number> {
  const counts = CHAOS_KINDS.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length] as const);
  return Object.fromEntries(counts) as Record<ChaosKind, number>;
}

/** Which groups still live after what was ended with them has had time to go: the broker's guard sleeps now and then. */
async function groupsLeft(pids: readonly number[], graceMs: number): Promise<readonly number[]> {
  const deadlineMs = performance.now() + graceMs;
  let left = pids.filter(isGroupAlive);
  while (left.length > 0 && performance.now() < deadlineMs) {
    await delay(POLL_MS);
    left = left.filter(isGroupAlive);
  }
  return left;
}

/** Whether anything of the group that a process led lives: what it started itself among them. */
function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (caught) {
    return (caught as NodeJS.ErrnoException).code === 'EPERM';
  }
}
