/**
 * The policy of membership at one instant. Its numbers are the configuration's, but for how long a worker may be silent, which
 * follows what the workers themselves show (silence-limit.ts). The transition function stays pure: it is given the value.
 */
import { SilenceLimit } from './silence-limit.js';
import { workerDeadlineMs, type Membership, type MembershipEvent, type MembershipPolicy } from './state.js';
import type { TransitionOptions } from './transition.js';

/** A limit is told again when it has changed by this factor. */
const WORTH_TELLING = 1.25;
/** Workers that were dropped and may come back; older ones are forgotten. */
const MOST_MISSED = 256;

export interface AdaptivePolicyOptions {
  readonly policy: MembershipPolicy;
  /** Called when the allowed silence is another one, in ms. */
  readonly onChange: (allowedMs: number) => void;
}

export class AdaptivePolicy {
  readonly #onChange: AdaptivePolicyOptions['onChange'];
  readonly #silence: SilenceLimit;
  /** When workers were last heard that were dropped for their silence. */
  readonly #missed = new Map<string, number>();
  #current: MembershipPolicy;
  #toldMs: number;

  constructor({ policy, onChange }: AdaptivePolicyOptions) {
    this.#current = policy;
    this.#toldMs = policy.heartbeatMs;
    this.#onChange = onChange;
    this.#silence = new SilenceLimit(policy.heartbeatMs);
  }

  /** As of the last event. */
  get current(): MembershipPolicy {
    return this.#current;
  }

  /** Learns from an event that is about to be applied, and says what to apply it with. */
  observe({ workers }: Pick<Membership, 'workers'>, event: MembershipEvent, nowMs: number): TransitionOptions {
    if (event.kind === 'heard') this.#noteHeard(workers.get(event.workerId), nowMs);
    else if (event.kind === 'connected') this.#noteReturn(event.workerId, nowMs);
    this.#update(nowMs);
    if (event.kind === 'tick') this.#noteMissed(workers, nowMs);
    return { policy: this.#current, nowMs };
  }

  /** A worker that prepares its engine may be silent for long, which says nothing. */
  #noteHeard(worker: { readonly stage: string; readonly heardAtMs: number } | undefined, nowMs: number): void {
    if (worker !== undefined && worker.stage !== 'connecting') this.#silence.note(nowMs - worker.heardAtMs, nowMs);
  }

  /** Whoever was dropped and comes back was only slow. */
  #noteReturn(workerId: string, nowMs: number): void {
    const heardAtMs = this.#missed.get(workerId);
    if (heardAtMs === undefined) return;
    this.#missed.delete(workerId);
    this.#silence.note(nowMs - heardAtMs, nowMs);
  }

  #noteMissed(workers: Membership['workers'], nowMs: number): void {
    for (const worker of workers.values()) {
      const isSilent = worker.stage !== 'connecting' && workerDeadlineMs(worker, this.#current) <= nowMs;
      if (isSilent) this.#missed.set(worker.workerId, worker.heardAtMs);
    }
    for (const workerId of this.#missed.keys()) {
      if (this.#missed.size <= MOST_MISSED) break;
      this.#missed.delete(workerId);
    }
  }

  #update(nowMs: number): void {
    const heartbeatMs = this.#silence.limitMs(nowMs);
    if (heartbeatMs === this.#current.heartbeatMs) return;
    this.#current = { ...this.#current, heartbeatMs };
    const ratio = heartbeatMs / this.#toldMs;
    if (ratio < WORTH_TELLING && ratio > 1 / WORTH_TELLING) return;
    this.#toldMs = heartbeatMs;
    this.#onChange(heartbeatMs);
  }
}
