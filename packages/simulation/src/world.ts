/**
 * Virtual time and the processes that live in it. Events happen one at a time in the order of their time; between two of
 * them everything that the first one set free has run. The same seed gives the same world, whatever the machine does.
 */
import { randomKey, randomStream, type Clock, type RandomStream } from '@facet/shared';
import { EventQueue } from './event-queue.js';

/** Until every promise that can go on has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class World {
  readonly random: RandomStream;
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #events = 0;
  #atEvent: { readonly number: number; readonly action: () => void } | undefined;

  constructor(seed: number) {
    this.random = randomStream(randomKey('simulation', seed));
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** A random time between two bounds, in milliseconds. */
  between(leastMs: number, mostMs: number): number {
    return leastMs + this.random.nextUniform() * (mostMs - leastMs);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.random.nextUniform() < probability;
  }

  /** Calls `action` once after `delayMs`, unless the returned function is called first. */
  schedule(delayMs: number, action: () => void): () => void {
    return this.#queue.add(this.#nowMs + Math.max(0, delayMs), action);
  }

  /** Calls `action` before the event of a number happens, counted from 1. */
  atEvent(number: number, action: () => void): void {
    this.#atEvent = { number, action };
  }

  /** Runs until `isDone`, until nothing is left to happen, or until a time. */
  async run(untilMs: number, isDone: () => boolean): Promise<void> {
    await settle();
    while (!isDone()) {
      const event = this.#queue.take(untilMs);
      if (event === undefined) return;
      this.#nowMs = event.atMs;
      this.#events += 1;
      this.#passEvent();
      event.action();
      await settle();
    }
  }

  #passEvent(): void {
    const due = this.#atEvent;
    if (due === undefined || due.number > this.#events) return;
    this.#atEvent = undefined;
    due.action();
  }
}

/** A process as the operating system sees it: it can be stopped, continued and killed, and does not notice. */
export class Process {
  readonly name: string;
  readonly world: World;
  readonly #onDeath: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #pauses = 0;
  #status: 'running' | 'paused' | 'dead' = 'running';

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  get isDead(): boolean {
    return this.#status === 'dead';
  }

  get isPaused(): boolean {
    return this.#status === 'paused';
  }

  /** How often it was stopped: a peer that was heard in between was silent twice, and not for long. */
  get pauses(): number {
    return this.#pauses;
  }

  /** The process gets something to do: now, when it goes on, or never. */
  receive(action: () => void): void {
    if (this.#status === 'running') action();
    else if (this.#status === 'paused') this.#waiting.push(action);
  }

  pause(): void {
    if (this.#status !== 'running') return;
    this.#status = 'paused';
    this.#pauses += 1;
  }

  resume(): void {
    if (this.#status !== 'paused') return;
    this.#status = 'running';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const action of waiting) {
      this.world.schedule(0, () => {
        this.receive(action);
      });
    }
  }

  kill(): void {
    if (this.#status === 'dead') return;
    this.#status = 'dead';
    this.#waiting = [];
    for (const action of this.#onDeath) action();
  }

  /** What the operating system does when the process is gone. */
  onDeath(action: () => void): void {
    this.#onDeath.push(action);
  }

  readonly clock: Clock = {
    now: () => this.world.nowMs,
    wallTime: () => new Date(this.world.nowMs).toISOString(),
    schedule: (delayMs, action) => {
      let isCancelled = false;
      const fire = (): void => {
        if (!isCancelled) action();
      };
      // A wake-up of the operating system comes a little late, never early.
      const cancel = this.world.schedule(delayMs + this.world.random.nextUniform() / 10, () => {
        this.receive(fire);
      });
      return () => {
        isCancelled = true;
        cancel();
      };
    },
  };
}
