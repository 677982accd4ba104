/** An account in words: paragraphs for people, each a line that whoever prints it wraps. */
import { counted } from '../words/counted.js';
import { formatCount, formatSeconds } from '../words/format.js';
import type { Account, ExplainedInterruption } from './account.js';

/** More interruptions than this are told as one table of causes, with the first and the last ones in full. */
const MOST_TOLD = 8;
const TOLD_AT_EACH_END = 2;

/** A line of an account. `indent`: of what follows when it is wrapped. */
export interface AccountLine {
  readonly text: string;
  readonly tone: 'plain' | 'strong' | 'good' | 'bad' | 'faint';
  readonly indent: number;
}

/** The lines of an account, from the most important on. */
export function accountLines(account: Account): AccountLine[] {
  return [
    headline(account),
    ...beginning(account),
    ...happenings(account),
    ...ending(account),
    lostLine(account),
    ...adviceLines(account),
  ];
}

function headline({ run, state, interruptions, lost }: Account): AccountLine {
  // Whatever else there is to say, this comes first.
  if (lost !== undefined && lost.problems.length > 0) {
    return { text: `run ${run}: ${state}, but its ledger is NOT clean`, tone: 'bad', indent: 2 };
  }
  const count = interruptions.length;
  const went = count === 0 ? '' : `, ${counted(count, 'interruption')}`;
  const line = (text: string, tone: AccountLine['tone']): AccountLine => ({ text, tone, indent: 2 });
  switch (state) {
    case 'finished':
      return line(count === 0 ? `run ${run}: finished; nothing went wrong` : `run ${run}: finished${went}`, 'good');
    case 'running':
      return line(`run ${run}: it trains${count === 0 ? '; nothing went wrong so far' : `${went} so far`}`, 'good');
    case 'stopped':
      return line(`run ${run}: stopped by a person${count === 0 ? '; nothing went wrong' : went}`, 'strong');
    case 'failed':
      return line(`run ${run}: failed`, 'bad');
    case 'unfinished':
      return line(`run ${run}: it does not train now, and it is not finished`, 'bad');
    default:
      return state satisfies never;
  }
}

function beginning({ beganMs, workers, hosts, engines, steps, plannedSteps, lastAtMs }: Account): AccountLine[] {
  if (beganMs === undefined) return [];
  const who =
    workers === 0
      ? 'no worker ever joined'
      : `${counted(workers, 'worker')} on ${listed(hosts)} (${engines.join(', ')})`;
  return [
    fact('began', `${dateTime(beganMs)} with ${who}`),
    fact(
      'trained',
      `${formatCount(steps)} of ${counted(plannedSteps, 'step')}; last record after ${formatSeconds((lastAtMs - beganMs) / 1_000)}`,
    ),
  ];
}

function happenings({ interruptions, arrivals, beganMs = 0 }: Account): AccountLine[] {
  const isLong = interruptions.length > MOST_TOLD;
  const first = isLong ? interruptions.slice(0, TOLD_AT_EACH_END) : interruptions;
  const last = isLong ? interruptions.slice(-TOLD_AT_EACH_END) : [];
  const middle = isLong ? interruptions.slice(TOLD_AT_EACH_END, -TOLD_AT_EACH_END) : [];
  const told = (each: ExplainedInterruption): AccountLine[] => interruptionLines(each, beganMs);
  const came =
    arrivals.length > MOST_TOLD
      ? [fact('workers', `workers joined ${formatCount(arrivals.length)} times`)]
      : arrivals.map(({ atMs, joined, worldSize, generation }) =>
          fact(
            'joined',
            `${when(atMs, beganMs)}: ${listed(joined.map(({ workerId }) => `worker ${workerId}`))}; generation ${generation} has ${counted(worldSize, 'worker')}`,
          ),
        );
  return [...first.flatMap(told), ...summarised(middle), ...last.flatMap(told), ...came];
}

/** Like causes counted, the most frequent one first. */
function summarised(interruptions: readonly ExplainedInterruption[]): AccountLine[] {
  if (interruptions.length === 0) return [];
  const counts = new Map<string, number>();
  for (const { cause } of interruptions) {
    const kind = likeness(cause.what);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const shown = sorted.slice(0, MOST_TOLD);
  const rest = sorted.length - shown.length;
  return [
    { text: '', tone: 'plain', indent: 0 },
    { text: `... then ${counted(interruptions.length, 'more interruption')}, by cause:`, tone: 'strong', indent: 4 },
    ...shown.map(([kind, count]) => fact(`${formatCount(count)} times`, kind)),
    ...(rest === 0 ? [] : [fact('and', `${counted(rest, 'other cause')}; --json lists all`)]),
  ];
}

/** A cause without what differs from case to case: ids, processes, times. */
function likeness(what: string): string {
  return what
    .replace(/\S+-\d+-[0-9a-f]{6}\b( \(rank \d+ on \S+\))?/g, '...')
    .replace(/worker-\d+/g, 'a worker')
    .replace(/, process \d+/g, '')
    .replace(/\d+(\.\d+)? (ms|s)\b/g, 'N $2')
    .replace(/step \d+/g, 'step N');
}

function interruptionLines(each: ExplainedInterruption, beganMs: number): AccountLine[] {
  const { kind, atMs, step, cause, lost, again } = each;
  return [
    { text: '', tone: 'plain', indent: 0 },
    { text: `${when(atMs, beganMs)}: ${cause.what}`, tone: kind === 'fault' ? 'bad' : 'strong', indent: 2 },
    fact('known from', `${sourceText(cause.evidence)}${cause.code === undefined ? '' : `, code ${cause.code}`}`),
    ...(lost.length === 0
      ? []
      : [fact('who', listed(lost.map(({ rank, workerId, host }) => `rank ${rank}, worker ${workerId} on ${host}`)))]),
    fact('followed', followed(each)),
    fact('cost', costText(again, step)),
  ];
}

function sourceText(evidence: ExplainedInterruption['cause']['evidence']): string {
  switch (evidence) {
    case 'launch':
      return 'the launch, which saw it end';
    case 'log':
      return 'the logs';
    case 'ledger':
      return 'the ledger';
    default:
      return evidence satisfies never;
  }
}

function followed({ next, goesOnAfterMs, step }: ExplainedInterruption): string {
  if (next === undefined) return 'no generation formed after it';
  const formed = `generation ${next.generation} formed with ${counted(next.members.length, 'worker')} after ${duration(next.afterMs)}`;
  const goesOn =
    goesOnAfterMs === undefined
      ? 'no new step was committed'
      : `step ${formatCount(step + 1)} was committed after ${duration(goesOnAfterMs)}`;
  return `${formed}; ${goesOn}`;
}

function costText({ steps, seconds }: ExplainedInterruption['again'], step: number): string {
  if (steps === 0) return `no committed step was computed again (the last one is ${formatCount(step)})`;
  const time = seconds === 0 ? '' : `, which took ${formatSeconds(seconds)}`;
  return `${counted(steps, 'committed step')} ${steps === 1 ? 'was' : 'were'} computed again${time}`;
}

function ending({ state, endCause, beganMs = 0, lastAtMs, lastCheckpoint, interruptions }: Account): AccountLine[] {
  if (state === 'running') return [];
  const lines: AccountLine[] = [];
  const isTold = interruptions.at(-1)?.cause === endCause && endCause !== undefined;
  if (endCause !== undefined && !isTold) {
    lines.push(
      { text: '', tone: 'plain', indent: 0 },
      { text: `${when(lastAtMs, beganMs)}, after the last record: ${endCause.what}`, tone: 'bad', indent: 2 },
      fact(
        'known from',
        `${sourceText(endCause.evidence)}${endCause.code === undefined ? '' : `, code ${endCause.code}`}`,
      ),
    );
  }
  if (state === 'unfinished' && endCause === undefined) {
    lines.push(fact('end', 'nobody recorded one: every process was killed, or their machine went down'));
  }
  const kept =
    lastCheckpoint === undefined
      ? 'there is no checkpoint: a resume computes all steps again'
      : `the newest checkpoint is of step ${formatCount(lastCheckpoint)}`;
  lines.push(
    { text: '', tone: 'plain', indent: 0 },
    fact('end', `${endText(state)} at ${dateTime(lastAtMs)}; ${kept}`),
  );
  return lines;
}

function endText(state: Account['state']): string {
  return state === 'unfinished' ? 'last record' : state;
}

function lostLine({ lost }: Account): AccountLine {
  if (lost === undefined) return fact('lost', 'unknown: the ledger cannot be read', 'bad');
  if (lost.problems.length > 0) return fact('lost', `the ledger is NOT clean: ${lost.problems.join('; ')}`, 'bad');
  return fact(
    'lost',
    'nothing: the ledger proves that no sample of a committed step was left out or used twice',
    'good',
  );
}

function adviceLines({ advice }: Account): AccountLine[] {
  return advice.map((text, index) => fact(index === 0 ? 'to do' : '', text));
}

const LABEL_WIDTH = 12;

function fact(label: string, text: string, tone: AccountLine['tone'] = 'plain'): AccountLine {
  return { text: `  ${label.padEnd(LABEL_WIDTH)}${text}`, tone, indent: 2 + LABEL_WIDTH };
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${formatCount(Math.max(0, Math.round(ms)))} ms` : formatSeconds(ms / 1_000);
}

function dateTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `+0:01:05 (07:45:09 UTC)`; with the date when the run began on another day. */
function when(ms: number, beganMs: number): string {
  const clock = dateTime(ms);
  const isSameDay = clock.slice(0, 10) === dateTime(beganMs).slice(0, 10);
  return `+${formatSeconds((ms - beganMs) / 1_000)} (${isSameDay ? clock.slice(11) : clock})`;
}
