/**
 * The promises that every run must keep, whatever faults it had: an exact ledger, the same weights after every step as in the
 * fault-free run of the same configuration, generations that only move forward, and an end.
 */
import { checkLedger, type LedgerRecord } from '@facet/shared';
import type { Observation } from './simulation.js';

/** One sentence for each broken promise; empty when all were kept. */
export function findViolations(seen: Observation, expected: Observation): readonly string[] {
  return [
    ...checkEnd(seen),
    ...checkLedger(seen.records).problems.map((problem) => `ledger: ${problem}`),
    ...checkWeights(seen, expected),
    ...checkGenerations(seen),
    ...new Set(seen.crashes),
  ];
}

function checkEnd({ ending, leftOver, virtualMs }: Observation): string[] {
  const minutes = Math.round(virtualMs / 60_000);
  if (ending === undefined) return [`no end after ${minutes} virtual minutes: something waits forever`];
  if (ending.outcome !== 'finished') return [`the run ${ending.outcome}: ${ending.code ?? ''} ${ending.message}`];
  if (leftOver.length > 0) return [`${leftOver.join(', ')} did not end after ${minutes} virtual minutes`];
  return [];
}

function checkWeights(seen: Observation, expected: Observation): string[] {
  const problems: string[] = [];
  const expectedCrcs = crcsOf(expected.records);
  for (const [step, crc] of crcsOf(seen.records)) {
    const right = expectedCrcs.get(step);
    if (crc !== right) problems.push(`the weights after step ${step} are ${crc}, without faults they are ${right}`);
  }
  const [last, right] = [seen.checkpoint?.weightsSha256, expected.checkpoint?.weightsSha256];
  if (last !== right) problems.push(`the final weights are ${last}, without faults they are ${right}`);
  return problems;
}

function crcsOf(records: readonly LedgerRecord[]): ReadonlyMap<number, string> {
  return new Map(
    records.flatMap((record) => (record.kind === 'commit' ? [[record.step, record.weightsCrc] as const] : [])),
  );
}

function checkGenerations({ memberships }: Observation): string[] {
  const problems: string[] = [];
  const ofWorker = new Map<string, number>();
  const ofRank = new Map<string, string>();
  for (const { workerId, generation, rank } of memberships) {
    const before = ofWorker.get(workerId) ?? 0;
    if (generation <= before) problems.push(`${workerId} was told of generation ${generation} after ${before}`);
    ofWorker.set(workerId, generation);
    const place = `rank ${rank} of generation ${generation}`;
    const other = ofRank.get(place);
    if (other !== undefined && other !== workerId) problems.push(`${place} was given to ${other} and to ${workerId}`);
    ofRank.set(place, workerId);
  }
  return problems;
}
