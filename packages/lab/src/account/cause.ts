/**
 * The first cause of an interruption. A process that says itself why it failed is believed first, then whoever saw it end,
 * then what the coordinator wrote into the ledger: others only see that somebody is gone.
 */
import { parseErrorCode, plainGuide } from '@facet/shared';
import type { Interruption, RankedMember } from './interruptions.js';
import type { ProcessEnd, AccountFacts, StatedError, TraceLine } from './account-facts.js';

/** Codes that only say that somebody else is gone or late. */
const FOLLOWS: ReadonlySet<string> = new Set([
  'PEER_UNAVAILABLE',
  'STEP_TIMEOUT',
  'SHARD_TIMEOUT',
  'STALE',
  'CANCELLED',
]);
/** Ends that are in order: finished, asked to stop, to be continued. */
const ORDERLY: ReadonlySet<string> = new Set(['exit code 0', 'exit code 130', 'exit code 75']);
/** A process may be found dead so long after others noticed. */
const LATE_MS = 20_000;
/** And so long before: a silent worker is noticed late. */
const EARLY_MS = 15_000;

/** Where the account knows it from. */
export type Evidence = 'launch' | 'log' | 'ledger';

export interface Cause {
  /** One sentence without its full stop: who did what. */
  readonly what: string;
  readonly code: string | undefined;
  readonly evidence: Evidence;
  /** The process it began in: its log's name, or its role. */
  readonly process?: string;
  readonly advice: string;
}

type Evidences = Pick<AccountFacts, 'traces' | 'ends' | 'stated'>;

/** The first cause of an interruption that the ledger shows. */
export function causeOf(interruption: Interruption, facts: Evidences): Cause {
  const { kind, atMs, leavers, faults, lost } = interruption;
  if (kind === 'leave') {
    const names = leavers.map((id) => `worker ${id}`).join(' and ');
    return {
      what: `${names} asked to leave and ${leavers.length === 1 ? 'was' : 'were'} let go`,
      ...{ code: undefined, evidence: 'ledger', advice: 'nothing: a worker that leaves costs no step' },
    };
  }
  const window = { fromMs: kind === 'resume' ? interruption.quietSinceMs : atMs - EARLY_MS, toMs: atMs + LATE_MS };
  const pids = new Set(lost.map(({ workerId }) => pidOf(workerId)));
  const told = faults.find(({ code }) => !FOLLOWS.has(code)) ?? faults[0];
  if (kind === 'resume') return causeOfStop(interruption, facts, window);
  return (
    (told !== undefined && !FOLLOWS.has(told.code) ? fromLedger(told, interruption, facts) : undefined) ??
    fromEnds(facts, window, pids) ??
    (told === undefined ? undefined : fromLedger(told, interruption, facts)) ?? {
      what: 'the members changed, and nobody recorded why',
      ...{ code: undefined, evidence: 'ledger', advice: 'look into the logs of the run' },
    }
  );
}

/** Why a run stands still whose ledger does not say it: everything after its last record counts. */
export function causeOfSilence(sinceMs: number, facts: Evidences): Cause | undefined {
  const window = { fromMs: sinceMs - EARLY_MS, toMs: Number.POSITIVE_INFINITY };
  return (
    fromEnds(facts, window, undefined, (end) => end.process === 'broker') ??
    fromEnds(facts, window, undefined) ??
    fromStated(facts.stated) ??
    fromTraces(facts.traces, window)
  );
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

function isWithin({ fromMs, toMs }: Window, atMs: number): boolean {
  return atMs >= fromMs && atMs <= toMs;
}

/** `vm-31354-4c56fc` is process 31354 of vm. */
function pidOf(workerId: string): number | undefined {
  const pid = /-(\d+)-[0-9a-f]+$/.exec(workerId)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function causeOfStop(interruption: Interruption, facts: Evidences, window: Window): Cause {
  const ended = interruption.endedBefore;
  if (ended === 'stopped') {
    return { what: 'a person stopped the run', code: undefined, evidence: 'ledger', advice: 'nothing' };
  }
  if (ended === 'finished') {
    return { what: 'the finished run was extended', code: undefined, evidence: 'ledger', advice: 'nothing' };
  }
  return (
    fromEnds(facts, window, undefined, ({ process }) => /^(broker|coordinator|standby)/.test(process)) ?? {
      what:
        ended === 'failed'
          ? 'the run had failed and was resumed'
          : 'the coordinator was gone: it was killed, handed over, or lost its machine',
      ...{ code: undefined, evidence: 'ledger', advice: 'nothing, if you stopped it; otherwise see its log' },
    }
  );
}

function fromEnds(
  { ends, stated }: Evidences,
  window: Window,
  pids: ReadonlySet<number | undefined> | undefined,
  isMeant: (end: ProcessEnd) => boolean = () => true,
): Cause | undefined {
  const first = ends
    .filter((end) => isWithin(window, end.atMs) && !ORDERLY.has(end.how))
    .filter((end) => isMeant(end) && (pids === undefined || pids.has(end.pid)))
    .sort((a, b) => a.atMs - b.atMs)[0];
  if (first === undefined) return undefined;
  const { process, how, pid } = first;
  const said = stated.find((error) => error.process === process);
  if (said !== undefined) return statedCause(said);
  const isSignal = how.startsWith('SIG');
  return {
    what: isSignal ? `${nameOf(process)} was killed (${how}, process ${pid})` : `${nameOf(process)} ended with ${how}`,
    ...{ code: undefined, evidence: 'launch', process },
    advice: isSignal ? killedAdvice(how, process) : `read the end of logs/${process}.log`,
  };
}

function killedAdvice(how: string, process: string): string {
  if (how !== 'SIGKILL')
    return `a crash of a native library ends so: read the end of logs/${process}.log and report it`;
  return 'if nobody killed it, the system did because memory ran short: `dmesg | grep -i "out of memory"` says so; then take fewer workers or more memory';
}

/** `worker-1`, but `the broker`. */
function nameOf(process: string): string {
  return process.includes('-') ? process : `the ${process}`;
}

function fromStated(stated: readonly StatedError[]): Cause | undefined {
  const first = stated.find(({ code }) => !FOLLOWS.has(code)) ?? stated[0];
  return first === undefined ? undefined : statedCause(first);
}

function statedCause({ process, code, message }: StatedError): Cause {
  return {
    what: `${nameOf(process)} failed: ${message}`,
    code,
    evidence: 'log',
    process,
    advice: adviceFor(code, message),
  };
}

function fromTraces(traces: readonly TraceLine[], window: Window): Cause | undefined {
  const near = traces
    .filter(({ atMs, level }) => level >= 40 && isWithin(window, atMs))
    .sort((a, b) => a.atMs - b.atMs);
  const first = near.find(({ code }) => code !== undefined && !FOLLOWS.has(code)) ?? near[0];
  if (first === undefined) return undefined;
  const { process, message, reason, code } = first;
  return {
    what: `${nameOf(process)} says: ${message}${reason === undefined ? '' : `: ${reason}`}`,
    ...{ code, evidence: 'log', process },
    advice: traceAdvice(first),
  };
}

function traceAdvice({ process, message, reason, code }: TraceLine): string {
  if (/connection to the broker is lost/.test(message)) {
    return 'see why the broker ended (logs/broker.log, or its machine) and start it again';
  }
  if (/coordinator is gone/.test(message)) {
    return 'see why the coordinator ended: the end of logs/coordinator.log, or `dmesg` on its machine';
  }
  return code === undefined && reason === undefined
    ? `read logs/${process}.log from there on`
    : adviceFor(code ?? 'INTERNAL', reason ?? message);
}

function fromLedger(
  { code, message }: { readonly code: string; readonly message: string },
  interruption: Interruption,
  facts: Evidences,
): Cause {
  const silent = /^worker (\S+) was silent for (\d+) ms, allowed are (\d+) ms/.exec(message);
  if (silent !== null) return silenceCause({ id: silent[1]!, silentMs: Number(silent[2]), code }, interruption, facts);
  const gone = /^worker (\S+) is gone: it closed its stream/.exec(message);
  if (gone !== null) {
    return {
      what: `worker ${gone[1]}${rankText(interruption.before, gone[1]!)} went away: its connection was closed`,
      ...{ code, evidence: 'ledger' },
      advice: 'its process ended or was killed: the end of its log and `dmesg` on its machine say more',
    };
  }
  return { what: message, code, evidence: 'ledger', advice: adviceFor(code, message) };
}

function silenceCause(
  { id, silentMs, code }: { readonly id: string; readonly silentMs: number; readonly code: string },
  { atMs, before }: Interruption,
  { traces }: Evidences,
): Cause {
  const pid = pidOf(id);
  const seconds = (silentMs / 1_000).toFixed(1);
  const start = `worker ${id}${rankText(before, id)} was silent for ${seconds} s`;
  const own = traces.filter((line) => line.pid === pid);
  const wasAwake = own.some((line) => line.atMs > atMs - silentMs && line.atMs < atMs);
  if (wasAwake) {
    return {
      what: `${start}, although it was at work: the network between it and the coordinator was cut`,
      ...{ code, evidence: 'log' },
      advice: 'look at the network between the two machines: cables, firewall, a full link',
    };
  }
  const back = own.find((line) => line.atMs >= atMs);
  const return_ =
    back === undefined ? '' : `, and was back after ${((back.atMs - atMs + silentMs) / 1_000).toFixed(1)} s`;
  return {
    what: `${start}${return_}: its process stood still (stopped, or its machine was too busy), or it was cut off`,
    ...{ code, evidence: own.length === 0 ? 'ledger' : 'log' },
    advice: 'if the machine was only busy, raise `timeouts.heartbeatMs`; otherwise see who stopped the process',
  };
}

function rankText(members: readonly RankedMember[], id: string): string {
  const member = members.find(({ workerId }) => workerId === id);
  return member === undefined ? '' : ` (rank ${member.rank} on ${member.host})`;
}

/** What to do: by what the message is about where a code covers several things, else by its code. */
function adviceFor(code: string, message: string): string {
  if (/EMFILE|too many open files/i.test(message))
    return 'raise the limit of open files (`ulimit -n 4096`), or take fewer workers';
  if (/ENOSPC|no space left|disk is full|EFBIG|file too large/i.test(message))
    return 'free space on the disk of the run (or raise its quota), then resume';
  if (/ENOMEM|not enough memory/i.test(message)) return plainGuide('MEMORY_REFUSED').advice;
  return plainGuide(parseErrorCode(code)).advice;
}
