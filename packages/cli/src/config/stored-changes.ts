/**
 * What a resume may change, and what it means: more epochs, and values that the update alone reads. The ledger says what earlier
 * resumes changed, and which steps are done; a change holds from the next one on.
 */
import {
  historyItem,
  stepsPerEpoch,
  CHANGEABLE_KEYS,
  changeBetween,
  readLedgerFile,
  stepRule,
  TrainingError,
  withChange,
  type Changeable,
  type LedgerRecord,
  type RunChange,
  type RunConfig,
  type ScheduleWay,
} from '@facet/shared';

/** What the ledger of a run says to whoever wants to change it. */
export interface LedgerFacts {
  readonly changes: readonly RunChange[];
  /** The last committed step. */
  readonly lastStep: number;
  readonly stepsPerEpoch: number;
}

/** Reads a ledger; one that cannot be read says nothing, and the coordinator says why. */
export async function readLedgerFacts(file: string): Promise<LedgerFacts> {
  const changes: RunChange[] = [];
  let [lastStep, perEpoch] = [0, 1];
  const add = (record: LedgerRecord): void => {
    const item = historyItem(record);
    if (item.kind === 'run') perEpoch = stepsPerEpoch(item);
    if (item.kind === 'step') lastStep = Math.max(lastStep, item.step);
    if (item.kind === 'change') changes.push(item.change);
  };
  await readLedgerFile(file, add).catch(() => undefined);
  return { changes, lastStep, stepsPerEpoch: perEpoch };
}

/** The stored configuration with every change that the ledger has: a crash may have come before it was stored again. */
export function withLedgerChanges<Config extends Changeable>(stored: Config, { changes }: LedgerFacts): Config {
  return changes.slice(stored.changes.length).reduce((config, change) => withChange(config, change), stored);
}

export interface ChangeRequest {
  readonly before: RunConfig;
  readonly after: RunConfig;
  /** Dotted keys in which they differ. */
  readonly keys: readonly string[];
  /** `--schedule`. */
  readonly schedule: ScheduleWay | undefined;
  readonly facts: LedgerFacts;
}

/** Whether a resume may make these changes. */
export function areChangeable(keys: readonly string[]): boolean {
  return keys.every((key) => CHANGEABLE_KEYS.includes(key));
}

/**
 * The configuration that a run goes on with when something is changed, and one sentence for each thing that its user should know.
 *
 * @param rateOf the learning rate of a step
 * @throws TrainingError CONFIG_INVALID for fewer epochs, and for a change that no step is left for.
 */
export function changedConfig(
  { before, after, keys, schedule, facts }: ChangeRequest,
  rateOf: (config: Changeable, step: number) => number,
): { readonly config: RunConfig; readonly notes: readonly string[] } {
  const { lastStep, stepsPerEpoch } = facts;
  const isLonger = after.epochs > before.epochs;
  if (after.epochs < before.epochs) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `epochs: ${after.epochs}, expected at least ${before.epochs}, which run ${before.run} has: a run can be extended only`,
    );
  }
  if (!isLonger && lastStep >= before.epochs * stepsPerEpoch) {
    const what = [...keys, ...(schedule === undefined ? [] : ['--schedule'])].join(', ');
    throw new TrainingError(
      'CONFIG_INVALID',
      `${what}: run ${before.run} has done all steps of its ${before.epochs} epochs, so no step would have the change; add --epochs with more than ${before.epochs}`,
    );
  }
  const hasEnded = isScheduleOver(before, facts);
  const way = schedule ?? (isLonger ? (hasEnded ? 'hold' : 'stretch') : undefined);
  const config = withChange(before, changeBetween(before, after, { afterStep: lastStep, schedule: way }));
  const rate = (of: Changeable, step: number): string => rateOf(of, step).toPrecision(4);
  const held = lastStep === 0 ? '' : `step ${lastStep} had ${rate(before, lastStep)}, `;
  const rates = `learning rate: ${held}step ${lastStep + 1} has ${rate(config, lastStep + 1)}, the last one ${rate(config, config.epochs * stepsPerEpoch)}`;
  const notes = [`${describeChanges(before, after, keys)} from step ${lastStep + 1} on; ${rates}`];
  const ended = before.changes.at(-1)?.reason;
  if (isLonger && ended !== undefined && after.stopWhen.length > 0) {
    notes.push(
      `the run had ended early (${ended}); its rules still hold: ${after.stopWhen.join(', ')}; \`--stop-when none\` takes them away`,
    );
  }
  if (isLonger && hasEnded && way === 'hold' && before.optimizer.schedule !== 'constant') {
    notes.push(
      `the schedule (${before.optimizer.schedule}) has run to its end: the new epochs keep its last rate; \`--schedule restart\` begins it again for them, \`--schedule stretch\` goes on as if the run had always been to have ${after.epochs} epochs`,
    );
  }
  const { epochs, optimizer, changes } = config;
  return { config: { ...after, epochs, optimizer, changes }, notes };
}

/** Whether all steps to come have the rate of the last one. */
function isScheduleOver(config: RunConfig, { lastStep, stepsPerEpoch }: LedgerFacts): boolean {
  const { step, totalSteps } = stepRule(config, stepsPerEpoch, lastStep + 1).schedule;
  return step >= totalSteps && lastStep > 0;
}

function describeChanges(before: RunConfig, after: RunConfig, keys: readonly string[]): string {
  const said = keys.map((key) => `${key} ${shownAt(before, key)} -> ${shownAt(after, key)}`).join(', ');
  return said === '' ? 'another schedule' : said;
}

function shownAt(config: RunConfig, key: string): string {
  return JSON.stringify(key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config));
}
