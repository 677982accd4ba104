/**
 * The result of a run as a coordinator hands it to whoever started it, and as `--json` prints it.
 */
import { readRegularText } from '@facet/shared';
import type { RunResult } from '@facet/coordinator';

const MOST_RESULT_BYTES = 16 * 1024 * 1024;

/** A result that was written to a file; undefined when there is none. What was undefined comes back as absent. */
export async function readResult(file: string): Promise<RunResult | undefined> {
  try {
    return JSON.parse(await readRegularText(file, MOST_RESULT_BYTES)) as RunResult;
  } catch {
    return undefined;
  }
}

/** The object that `--json` prints: the same members for every outcome, null where there is no value. */
export function resultJson(result: RunResult): Record<string, unknown> {
  const { testAccuracy = null, heldOutAccuracy = null, trainLoss = null } = result;
  const { weightsSha256 = null, checkpoint = null, checkpointStep = null, ledger = null } = result;
  return { ...result, testAccuracy, heldOutAccuracy, trainLoss, weightsSha256, checkpoint, checkpointStep, ledger };
}

/** True when the run did all that it was meant to do and the ledger proves it, as `facet ledger check` says it. */
export function isSuccess({ outcome, ledger }: RunResult): boolean {
  return outcome === 'finished' && ledger?.clean === true;
}
