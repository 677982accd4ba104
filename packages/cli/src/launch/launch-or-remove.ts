/**
 * A launch and what it leaves behind: a folder that became no run is removed again, so that its name stays free.
 */
import { rm } from 'node:fs/promises';
import { readLedgerFile, TrainingError } from '@facet/shared';
import { holdsRun } from '../runs/run-folders.js';
import type { StopSignals } from './stop-signals.js';
import { launchTraining, type LaunchEnd, type LaunchObserver, type LaunchPlan } from './training-launch.js';

/**
 * Runs the processes of a run to its end; the folder has been claimed.
 *
 * @throws TrainingError with what the process that failed said.
 */
export async function launchOrRemove(
  plan: LaunchPlan,
  signals: StopSignals,
  observer: LaunchObserver,
): Promise<LaunchEnd> {
  let end: LaunchEnd;
  try {
    end = await launchTraining(plan, signals, observer);
  } catch (caught) {
    if (!(await removeUnlessBegun(plan, caught))) throw caught;
    throw withoutLogs(caught);
  }
  await removeUnlessBegun(plan, failureOf(end));
  return end;
}

/** Why a run failed that could say it itself. */
export function failureOf({ result }: LaunchEnd): TrainingError | undefined {
  return result?.outcome === 'failed' ? new TrainingError(result.code ?? 'INTERNAL', result.message ?? '') : undefined;
}

/**
 * A folder that never became a run, and one of a run that a mistake in the command ended before its first step, would only
 * be in the way of the next one. After any other failure the logs are needed.
 */
async function removeUnlessBegun({ mode, paths }: LaunchPlan, failure: unknown): Promise<boolean> {
  const isMistake = failure instanceof TrainingError && failure.isUsage;
  const isKept = holdsRun(paths.folder) && !(isMistake && mode === 'new' && !(await hasCommits(paths.ledger)));
  if (isKept) return false;
  await rm(paths.folder, { recursive: true, force: true });
  return true;
}

async function hasCommits(ledger: string): Promise<boolean> {
  let count = 0;
  await readLedgerFile(ledger, ({ kind }) => {
    if (kind === 'commit') count += 1;
  });
  return count > 0;
}

/** The error without the logs that it names, which are gone. */
function withoutLogs(caught: unknown): unknown {
  if (!(caught instanceof TrainingError)) return caught;
  return new TrainingError(caught.code, caught.message.replaceAll(/ \(log: [^)]*\)/g, ''), { cause: caught });
}
