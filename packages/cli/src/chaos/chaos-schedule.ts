/**
 * The faults of a chaos run and their times: a pure function of the seed. A fault names its victim as a share of the
 * processes that live at that time, because these are not known beforehand.
 */
import { randomKey, randomStream } from '@facet/shared';

/** How often each kind is drawn, relative to the others. */
const SHARES = {
  'kill-worker': 3,
  'stop-worker': 2,
  'leave-worker': 1,
  /** Between a worker and the coordinator nothing gets through. */
  'cut-worker': 1,
  /** Nothing that the worker says arrives. */
  'mute-worker': 1,
  /** Nothing that the coordinator says arrives. */
  'deafen-worker': 1,
  /** Everything between a worker and the coordinator comes late. */
  'delay-worker': 1,
  /** No peer reaches a worker. */
  'cut-peers': 1,
  /** Peers reach a worker, and nothing of it reaches them. */
  'mute-peers': 1,
  /** Everything between a worker's port and its peers comes late. */
  'delay-peers': 1,
  /** Between a worker and the broker nothing gets through. */
  'cut-shards': 1,
  /** Between the coordinator and the broker nothing gets through. */
  'cut-broker': 1,
  'kill-coordinator': 1,
  /** SIGTERM. */
  'hand-over-coordinator': 1,
  'kill-broker': 1,
} as const;

export type ChaosKind = keyof typeof SHARES;

export const CHAOS_KINDS = Object.keys(SHARES) as readonly ChaosKind[];

export interface ChaosFault {
  readonly kind: ChaosKind;
  /** Since the fault before. */
  readonly afterMs: number;
  /** How long a process stays stopped or a link is harmed, or until another process is started in place of one. */
  readonly durationMs: number;
  /** Which of the living, in [0, 1). */
  readonly target: number;
}

const MOST_DOWN_MS = 3_000;
/** Longer than a heartbeat's deadline, so that some sleepers find themselves left out. */
const MOST_STOPPED_MS = 8_000;
const ENDED: readonly ChaosKind[] = [
  'kill-worker',
  'leave-worker',
  'kill-coordinator',
  'hand-over-coordinator',
  'kill-broker',
];
const WEIGHTED = CHAOS_KINDS.flatMap((kind) => Array<ChaosKind>(SHARES[kind]).fill(kind));

/** The faults of a seed, without end; `everyMs` lie between two of them on average. */
export function* chaosFaults(seed: number, everyMs: number): Generator<ChaosFault, never> {
  const random = randomStream(randomKey('simulation', seed, 2));
  for (;;) {
    const kind = WEIGHTED[random.nextBelow(WEIGHTED.length)] ?? 'kill-worker';
    yield {
      kind,
      afterMs: everyMs * (0.2 + 1.6 * random.nextUniform()),
      durationMs: random.nextUniform() * (ENDED.includes(kind) ? MOST_DOWN_MS : MOST_STOPPED_MS),
      target: random.nextUniform(),
    };
  }
}
