/**
 * Makes streams of the broker, with as many copies as a run asks for, and says what to do when the broker refuses.
 */
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import {
  addOrFind,
  brokerFailure,
  isBrokerRefusal,
  isStreamMissing,
  replicaProblem,
  TrainingError,
} from '@facet/shared';

export type NamedStream = Partial<StreamConfig> & { readonly name: string; readonly num_replicas: number };

/**
 * Makes a stream. One that is there stays as it is, but gets as many copies as this one should have.
 *
 * @throws TrainingError BROKER_REFUSED naming the subject that is not permitted; CONFIG_INVALID when the broker cannot keep so many
 *   copies.
 */
export async function makeSharedStream(
  { streams }: JetStreamManager,
  config: NamedStream,
  url: string,
): Promise<StreamInfo> {
  try {
    return await addOrFind(streams, config);
  } catch (caught) {
    throw streamRefusal(caught, { url, replicas: config.num_replicas }) ?? caught;
  }
}

/** What a refusal means that is not about the size of a stream; undefined for any other error. */
export function streamRefusal(
  caught: unknown,
  { url, replicas }: { readonly url: string; readonly replicas: number },
): TrainingError | undefined {
  if (isBrokerRefusal(caught)) return brokerFailure(caught, url, { advice: '' });
  const problem = replicaProblem(caught, { url, replicas });
  return problem === undefined ? undefined : new TrainingError('CONFIG_INVALID', problem, { cause: caught });
}

/**
 * Deletes a stream; one that is not there is no fault.
 *
 * @throws TrainingError BROKER_REFUSED naming the subject that is not permitted; what the client throws.
 */
export async function deleteStream({ streams }: JetStreamManager, name: string, url: string): Promise<void> {
  try {
    await streams.delete(name);
  } catch (caught) {
    if (!isStreamMissing(caught)) throw streamRefusal(caught, { url, replicas: 1 }) ?? caught;
  }
}

/** Whether a stream of this name is there. Only its own name is asked for: a user may not see those of others. */
export async function hasStream({ streams }: JetStreamManager, name: string): Promise<boolean> {
  try {
    await streams.info(name);
    return true;
  } catch (caught) {
    if (isStreamMissing(caught)) return false;
    throw caught;
  }
}
