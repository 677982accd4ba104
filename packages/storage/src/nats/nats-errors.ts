/** What the broker says, as a store says it. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { brokerFailure, isBrokerRefusal, TrainingError } from '@facet/shared';
import { full, refused, unreachable } from '../store/store-errors.js';

/** How JetStream says that there is no room: of a stream, of an account, of the disk. */
const NO_ROOM =
  /maximum (bytes|messages)|insufficient (storage |memory )?resources|resource limits exceeded|no space left/i;

export function isWrongSequence(caught: unknown): boolean {
  return (
    caught instanceof JetStreamApiError &&
    (caught.code === JetStreamApiCodes.StreamWrongLastSequence ||
      caught.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

/** The same error in our words; what is ours already stays. */
export function translate(caught: unknown, place: string): TrainingError {
  if (caught instanceof TrainingError) return caught;
  const { message } = TrainingError.from(caught);
  if (NO_ROOM.test(message)) return full(place, message, caught);
  if (isBrokerRefusal(caught)) {
    const { message: reason } = brokerFailure(caught, place, { advice: '' });
    return refused(place, reason, 'docs/stores.md lists the subjects of a store', caught);
  }
  if (caught instanceof JetStreamApiError && caught.status >= 400 && caught.status < 500) {
    return refused(place, message, 'see the log of the broker', caught);
  }
  return unreachable(place, message, caught);
}
