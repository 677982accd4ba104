/** The process of some workers of a rehearsal. Its parent forks it, orders it to join, and tells it when members have met. */
import { openIdleCrew, type WorkerOutcome } from '@facet/worker/rehearsal';
import { RunToken, TrainingError } from '@facet/shared';
import type { FromCrew, JoinOrder, MessageBytes, ToCrew } from './crew-messages.js';
import { CrewMeeting } from './crew-meeting.js';
import { Gathered } from './gathered.js';
import { watchMessages } from './watch-messages.js';

const say = (message: FromCrew): void => void process.send?.(message);

const meeting = new CrewMeeting((arrival) => {
  say({ kind: 'arrived', ...arrival });
});
/** Members are told Start in a burst. */
const starts = new Gathered<number, { readonly worldSize: number }>((generation, count, { worldSize }) => {
  say({ kind: 'started', generation, count, worldSize });
});
let lastStep = 0;

async function join(order: JoinOrder): Promise<void> {
  const bytes: Record<string, number> = {};
  await using crew = await openIdleCrew({
    ...order,
    token: new RunToken(order.token),
    meeting,
    events: {
      onStart(generation, worldSize) {
        starts.add(generation, { worldSize });
      },
      onStep(step) {
        if (step <= lastStep) return;
        lastStep = step;
        say({ kind: 'step', step, atMs: Date.now() });
        if (order.measuresMessages) say({ kind: 'bytes', bytes: bytes satisfies MessageBytes });
      },
      onOutcome({ outcome, message = '' }) {
        if (outcome === 'failed' || outcome === 'refused') say({ kind: 'trouble', message });
      },
      watch: (stream) => (order.measuresMessages ? watchMessages(stream, bytes) : stream),
    },
  });
  const outcomes = await crew.run();
  say({ kind: 'ended', outcomes: countOf(outcomes), message: firstTrouble(outcomes) });
}

function countOf(outcomes: readonly WorkerOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function firstTrouble(outcomes: readonly WorkerOutcome[]): string {
  const found = outcomes.find(({ outcome }) => outcome === 'failed' || outcome === 'refused');
  return found?.message ?? '';
}

process.on('message', (message: ToCrew) => {
  switch (message.kind) {
    case 'join':
      join(message).catch((caught: unknown) => {
        const { code, message: text } = TrainingError.from(caught);
        say({ kind: 'ended', outcomes: { failed: message.size }, message: `${code}: ${text}` });
      });
      break;
    case 'go':
      meeting.go(message);
      break;
    case 'lost':
      meeting.fail(new TrainingError('PEER_UNAVAILABLE', message.reason));
      break;
    default:
      message satisfies never;
  }
});
// Whoever forked it is gone.
process.on('disconnect', () => process.exit(1));
say({ kind: 'loaded' });
