/**
 * What a chaos run does to the processes and when: a pure function of the seed. Which process a fault meets is a share of
 * those that live then, because nobody knows beforehand who does.
 */
import { randomKey, randomStream } from '@facet/shared';

export const CHAOS_KINDS = ['kill-worker', 'stop-worker', 'kill-coordinator', 'kill-broker'] as const;

export type ChaosKind = (typeof CHAOS_KINDS)[number];

export interface ChaosFault {
  readonly kind: ChaosKind;
  /** Since the fault before. */
  readonly afterMs: number;
  /** How long a process stays stopped, or until a killed one is started again. */
  readonly durationMs: number;
  /** Which of the living, in [0, 1). */
  readonly target: number;
}

const MOST_DOWN_MS = 3_000;
/** Longer than a heartbeat's deadline, so that some sleepers find themselves left out. */
const MOST_STOPPED_MS = 8_000;
/** A worker is killed or stopped three times as often as the others. */
const WEIGHTED: readonly ChaosKind[] = [
  'kill-worker',
  'kill-worker',
  'kill-worker',
  'stop-worker',
  'stop-worker',
  'kill-coordinator',
  'kill-broker',
];

/** The faults of a seed, without end; `everyMs` lie between two of them on average. */
export function* chaosFaults(seed: number, everyMs: number): Generator<ChaosFault, never> {
  const random = randomStream(randomKey('simulation', seed, 2));
  for (;;) {
    const kind = WEIGHTED[random.nextBelow(WEIGHTED.length)] ?? 'kill-worker';
    yield {
      kind,
      afterMs: everyMs * (0.2 + 1.6 * random.nextUniform()),
      durationMs: random.nextUniform() * (kind === 'stop-worker' ? MOST_STOPPED_MS : MOST_DOWN_MS),
      target: random.nextUniform(),
    };
  }
}
