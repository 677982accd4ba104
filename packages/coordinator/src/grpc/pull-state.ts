/**
 * Pulls a training state from a worker's Exchange service. One call, one deadline; the connection is closed afterwards,
 * because checkpoints are minutes apart and workers come and go.
 */
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Exchange, type PullStateResponse__Output } from '@facet/proto';
import { formatCrc32, TrainingError, type TrainingState } from '@facet/shared';
import { createStateReader, type StateShape } from './state-stream.js';

export interface PullStateOptions {
  /** For messages. */
  readonly workerId: string;
  /** host:port of the worker's Exchange service. */
  readonly address: string;
  readonly run: string;
  readonly step: number;
  readonly shape: StateShape;
  /** What the weights must be. */
  readonly weightsCrc: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Pulls the state after a step.
 *
 * @throws TrainingError PEER_UNAVAILABLE when the worker cannot hand it out, FRAME_INVALID when it comes damaged, DESYNC
 *   when it is sound but not the state that was committed.
 */
export async function pullState(options: PullStateOptions): Promise<TrainingState> {
  const { address, run, step, shape, timeoutMs, signal } = options;
  const client = new Exchange(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  try {
    const reader = createStateReader(shape);
    const call = client.pullState({ run, step }, { deadline: new Date(Date.now() + timeoutMs) });
    const cancel = (): void => {
      call.cancel();
    };
    signal.addEventListener('abort', cancel);
    try {
      if (signal.aborted) cancel();
      for await (const message of call as AsyncIterable<PullStateResponse__Output>) reader.accept(message);
    } catch (caught) {
      call.cancel();
      if (caught instanceof TrainingError) throw caught;
      const { code, details, message } = caught as Partial<ServiceError> & Error;
      const reason = (details ?? message).replace(/\. Resolution note: *$/, '');
      const fault =
        code === status.UNAVAILABLE
          ? `cannot be reached at ${address}, the address that it gave: ${reason}; start it with a --listen or --advertise that the coordinator reaches`
          : `does not hand out the state after step ${step} at ${address}: ${reason}`;
      throw new TrainingError('PEER_UNAVAILABLE', `worker ${options.workerId} ${fault}`, { cause: caught });
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    const { weightsCrc, ...state } = reader.finish();
    checkState(options, state, weightsCrc);
    return state;
  } finally {
    client.close();
  }
}

function checkState(
  { address, step, weightsCrc: expected }: PullStateOptions,
  state: TrainingState,
  weightsCrc: number,
): void {
  if (state.step !== step) {
    throw new TrainingError('STALE', `${address} handed out the state after step ${state.step}, expected step ${step}`);
  }
  if (weightsCrc === expected) return;
  throw new TrainingError(
    'DESYNC',
    `${address} handed out weights ${formatCrc32(weightsCrc)} for step ${step}, expected ${formatCrc32(expected)} as committed`,
  );
}
