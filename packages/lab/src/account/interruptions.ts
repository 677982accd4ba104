/**
 * Finds the interruptions of a run in its ledger: what began each, which workers were in it before and after, and what it cost.
 * One interruption lasts from the first record that something happened to the next step that is new. Faults that follow each
 * other without a new step in between are one interruption.
 */
import type { EventItem, HistoryItem, Member } from '@facet/shared';

/** `fault`: something failed. `leave`: a worker was let go. `resume`: another coordinator went on with the run. */
export type InterruptionKind = 'fault' | 'leave' | 'resume';

export interface LedgerFault {
  readonly code: string;
  readonly message: string;
}

/** A member with the rank that it had. */
export interface RankedMember extends Member {
  readonly rank: number;
}

export interface Interruption {
  readonly kind: InterruptionKind;
  readonly atMs: number;
  /** When the step before it was committed, or the run began. */
  readonly quietSinceMs: number;
  /** The last committed step. */
  readonly step: number;
  readonly generation: number;
  readonly faults: readonly LedgerFault[];
  /** Workers that asked to leave. */
  readonly leavers: readonly string[];
  /** How the run had ended before it was resumed; undefined when nobody recorded an end. */
  readonly endedBefore?: 'finished' | 'stopped' | 'failed';
  /** Members before it. */
  readonly before: readonly RankedMember[];
  /** Of those, whoever was not there afterwards. */
  readonly lost: readonly RankedMember[];
  /** The generation that went on; undefined when none did. */
  readonly next?: { readonly generation: number; readonly members: readonly Member[]; readonly afterMs: number };
  /** From its beginning to the next new step; undefined when there was none. */
  readonly goesOnAfterMs?: number;
  /** Committed steps that were computed again. */
  readonly again: { readonly steps: number; readonly seconds: number };
}

/** Workers that came to a run that was in order. */
export interface Arrival {
  readonly atMs: number;
  readonly generation: number;
  readonly joined: readonly Member[];
  readonly worldSize: number;
}

export interface LedgerStory {
  readonly run: Extract<HistoryItem, { kind: 'run' }> | undefined;
  readonly epochs: number;
  readonly first: Extract<EventItem, { kind: 'generation' }> | undefined;
  readonly interruptions: readonly Interruption[];
  readonly arrivals: readonly Arrival[];
  readonly lastStep: number;
  readonly lastAtMs: number;
  readonly end: Extract<EventItem, { kind: 'end' }> | undefined;
  /** The step of the newest checkpoint. */
  readonly lastCheckpoint: number | undefined;
}

type Draft = { -readonly [K in keyof Interruption]: Interruption[K] } & {
  faults: LedgerFault[];
  leavers: string[];
  again: { steps: number; seconds: number };
};

/** Reads the items of a ledger, in its order. */
export function readStory(items: Iterable<HistoryItem>): LedgerStory {
  const reader = new StoryReader();
  for (const item of items) reader.add(item);
  return reader.story();
}

class StoryReader {
  #run: LedgerStory['run'];
  #epochs = 0;
  #first: LedgerStory['first'];
  #members: readonly Member[] = [];
  #generation = 0;
  readonly #interruptions: Draft[] = [];
  #open: Draft | undefined;
  readonly #arrivals: Arrival[] = [];
  #lastStep = 0;
  #lastStepAtMs = 0;
  #lastAtMs = 0;
  #end: LedgerStory['end'];
  #lastCheckpoint: number | undefined;

  add(item: HistoryItem): void {
    const atMs = Date.parse(item.at);
    this.#lastAtMs = Math.max(this.#lastAtMs, atMs);
    switch (item.kind) {
      case 'run':
        this.#run = item;
        this.#epochs = item.epochs;
        this.#lastStepAtMs = atMs;
        break;
      case 'step':
        this.#lastStep = Math.max(this.#lastStep, item.step);
        this.#lastStepAtMs = atMs;
        if (this.#open !== undefined) this.#open.goesOnAfterMs = atMs - this.#open.atMs;
        this.#open = undefined;
        break;
      case 'replay':
        this.#addReplay(item.seconds ?? 0);
        break;
      case 'generation':
        this.#addGeneration(item, atMs);
        break;
      case 'fault':
        this.#disturbed('fault', atMs).faults.push({ code: item.code, message: item.message });
        break;
      case 'leave':
        this.#disturbed('leave', atMs).leavers.push(item.workerId);
        break;
      case 'resume':
        this.#open = undefined;
        this.#disturbed('resume', atMs);
        this.#end = undefined;
        break;
      case 'change':
        this.#epochs = item.change.epochs?.to ?? this.#epochs;
        break;
      case 'checkpoint':
        this.#lastCheckpoint = item.step;
        break;
      case 'end':
        this.#end = item;
        this.#open = undefined;
        break;
      case 'evaluation':
        break;
      default:
        item satisfies never;
    }
  }

  story(): LedgerStory {
    return {
      run: this.#run,
      epochs: this.#epochs,
      first: this.#first,
      interruptions: this.#interruptions,
      arrivals: this.#arrivals,
      lastStep: this.#lastStep,
      lastAtMs: this.#lastAtMs,
      end: this.#end,
      lastCheckpoint: this.#lastCheckpoint,
    };
  }

  /** The interruption that something at this time belongs to. */
  #disturbed(kind: InterruptionKind, atMs: number): Draft {
    if (this.#open !== undefined) {
      // A fault is worth more than the leave that came with it.
      if (kind === 'fault' && this.#open.kind === 'leave') this.#open.kind = 'fault';
      return this.#open;
    }
    const draft: Draft = {
      kind,
      atMs,
      quietSinceMs: this.#lastStepAtMs,
      step: this.#lastStep,
      generation: this.#generation,
      faults: [],
      leavers: [],
      ...(kind === 'resume' && this.#end !== undefined && { endedBefore: this.#end.reason }),
      before: this.#members.map((member, rank) => ({ ...member, rank })),
      lost: [],
      again: { steps: 0, seconds: 0 },
    };
    this.#interruptions.push(draft);
    this.#open = draft;
    return draft;
  }

  #addReplay(seconds: number): void {
    const last = this.#open ?? this.#interruptions.at(-1);
    if (last === undefined) return;
    last.again.steps += 1;
    last.again.seconds += seconds;
  }

  #addGeneration(item: Extract<EventItem, { kind: 'generation' }>, atMs: number): void {
    const { generation, members } = item;
    this.#first ??= item;
    const known = new Set(this.#members.map(({ workerId }) => workerId));
    const joined = members.filter(({ workerId }) => !known.has(workerId));
    if (this.#open !== undefined) {
      const present = new Set(members.map(({ workerId }) => workerId));
      this.#open.lost = this.#open.before.filter(({ workerId }) => !present.has(workerId));
      this.#open.next = { generation, members, afterMs: atMs - this.#open.atMs };
    } else if (known.size > 0 && joined.length > 0) {
      this.#arrivals.push({ atMs, generation, joined, worldSize: members.length });
    }
    this.#members = members;
    this.#generation = generation;
  }
}
