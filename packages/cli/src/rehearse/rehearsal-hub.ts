/**
 * What a rehearsal sees of its workers: when the members of a generation were told Start, and when all of them could begin a piece
 * of work. It holds the members together as an all-reduce would. It reads no clock of its own.
 */
import type { FromCrew, MessageBytes, WorkPlace } from './crew-messages.js';
import { nameOf } from './crew-meeting.js';

/** All members of a generation had the shards of a piece of work in hand. */
export interface WorkBegun extends WorkPlace {
  readonly atMs: number;
  readonly worldSize: number;
}

/** All members of a generation were told Start. */
export interface GenerationStarted {
  readonly generation: number;
  readonly worldSize: number;
  readonly atMs: number;
}

export interface RehearsalHubOptions {
  readonly now: () => number;
  /** Lets all members go on. */
  readonly go: (place: WorkPlace) => void;
}

export class RehearsalHub {
  readonly #options: RehearsalHubOptions;
  readonly #arrived = new Map<string, number>();
  readonly #startedBy = new Map<number, number>();
  readonly #stepsSent = new Map<number, number>();
  readonly begun: WorkBegun[] = [];
  readonly starts: GenerationStarted[] = [];
  bytes: MessageBytes = {};
  /** What the first worker said that ended otherwise than by the end of the run. */
  trouble: string | undefined;

  constructor(options: RehearsalHubOptions) {
    this.#options = options;
  }

  hear(message: FromCrew): void {
    if (message.kind === 'arrived') this.#onArrived(message);
    else if (message.kind === 'started') this.#onStarted(message);
    else if (message.kind === 'bytes') this.bytes = message.bytes;
    else if (message.kind === 'step') this.#onStep(message);
    else if (message.kind === 'trouble') this.trouble ??= message.message;
  }

  /** When the first worker said that it finished a step, by the clock of the wall; undefined before. */
  sentAtMs(step: number): number | undefined {
    return this.#stepsSent.get(step);
  }

  /** The newest generation whose members were all told Start. */
  get newest(): GenerationStarted | undefined {
    return this.starts.at(-1);
  }

  /** Training steps that the members of a generation could begin. */
  stepsOf(generation: number): readonly WorkBegun[] {
    return this.begun.filter((one) => one.generation === generation && one.item.kind === 'train');
  }

  #onArrived({ generation, item, count, worldSize }: Extract<FromCrew, { kind: 'arrived' }>): void {
    const place = { generation, item };
    const name = nameOf(place);
    const arrived = (this.#arrived.get(name) ?? 0) + count;
    this.#arrived.set(name, arrived);
    if (arrived < worldSize) return;
    this.#arrived.delete(name);
    this.begun.push({ ...place, worldSize, atMs: this.#options.now() });
    this.#options.go(place);
  }

  #onStarted({ generation, count, worldSize }: Extract<FromCrew, { kind: 'started' }>): void {
    const started = (this.#startedBy.get(generation) ?? 0) + count;
    this.#startedBy.set(generation, started);
    if (started === worldSize) this.starts.push({ generation, worldSize, atMs: this.#options.now() });
  }

  #onStep({ step, atMs }: Extract<FromCrew, { kind: 'step' }>): void {
    this.#stepsSent.set(step, Math.min(atMs, this.#stepsSent.get(step) ?? Number.POSITIVE_INFINITY));
  }
}

/**
 * How much longer than its arithmetic each step took: from when all members could begin a step until all could begin the next one,
 * less the arithmetic. It holds everything between two steps: reports, commit, shards, and what the simulated workers themselves
 * take. A step that an evaluation follows is left out.
 *
 * @param begun of one generation, in order
 */
export function overheadsMs(begun: readonly WorkBegun[], workMs: number): number[] {
  return begun.slice(1).flatMap((next, at) => {
    const before = begun[at]!;
    const isNext =
      before.item.kind === 'train' && next.item.kind === 'train' && next.item.step === before.item.step + 1;
    return isNext && next.generation === before.generation ? [next.atMs - before.atMs - workMs] : [];
  });
}
