/**
 * The faults of one simulation, drawn from its seed: the kind, the victim, the number of events until then, and the duration.
 * A fault may hit any instant, because the world counts events and not time.
 */
import { randomKey, randomStream, type RandomStream } from '@facet/shared';

/** How often each kind is drawn, relative to the others. */
const SHARES = {
  'kill-worker': 3,
  'drain-worker': 2,
  /** All workers at once, as when a cluster takes a job away. */
  'drain-all': 1,
  'pause-worker': 2,
  'kill-coordinator': 2,
  'pause-coordinator': 1,
  'hand-over-coordinator': 1,
  'kill-broker': 1,
  'fill-disk': 1,
  'damage-frame': 1,
  'cut-both-ways': 1,
  'cut-one-way': 1,
  /** Both end the run. */
  'flip-weight': 0,
  'flip-moment': 0,
} as const;

export type FaultKind = keyof typeof SHARES;

export interface Fault {
  readonly kind: FaultKind;
  /** Events since the fault before. */
  readonly afterEvents: number;
  /** How long a pause, a cut or a full disk lasts, or until a process is started in place of one that was killed or asked to leave. */
  readonly durationMs: number;
  /** Which of those that it could hit, and which as the other end of a cut; in [0, 1). */
  readonly target: number;
  readonly other: number;
}

const KINDS = (Object.keys(SHARES) as FaultKind[]).flatMap((kind) => Array<FaultKind>(SHARES[kind]).fill(kind));

const MOST_FAULTS = 7;
const MOST_EVENTS_BETWEEN = 250;
/** Most faults come soon after the one before: two at once are the hard ones. */
const CLOSENESS = 2;
const DURATION_MS = { least: 1, most: 12_000 };

/** The faults of a seed, in order; of all kinds unless some are given. */
export function drawFaults(seed: number, kinds: readonly FaultKind[] = KINDS): readonly Fault[] {
  const random = randomStream(randomKey('simulation', seed, 1));
  const count = 1 + random.nextBelow(MOST_FAULTS);
  return Array.from({ length: count }, () => drawFault(random, kinds));
}

function drawFault(random: RandomStream, kinds: readonly FaultKind[]): Fault {
  const ratio = DURATION_MS.most / DURATION_MS.least;
  return {
    kind: kinds[random.nextBelow(kinds.length)] ?? 'kill-worker',
    afterEvents: Math.floor(MOST_EVENTS_BETWEEN * random.nextUniform() ** CLOSENESS),
    durationMs: DURATION_MS.least * ratio ** random.nextUniform(),
    target: random.nextUniform(),
    other: random.nextUniform(),
  };
}
