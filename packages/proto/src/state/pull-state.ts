/**
 * Pulls a training state from an Exchange service: a worker's, or the coordinator's. One call, one deadline; the connection is
 * closed afterwards, because states are pulled minutes apart and workers come and go.
 */
import { status, type ServiceError } from '@grpc/grpc-js';
import { explainFailure, type TlsIdentity } from '@facet/security';
import { formatCrc32, TrainingError, type StateChecks, type StatePass, type StateSnapshot } from '@facet/shared';
import { channelTo } from '../channel.js';
import type { PullStateResponse__Output } from '../gen/facet/v1/PullStateResponse.js';
import { Exchange } from '../services.js';
import { createStateReader, type StateShape } from './state-stream.js';

export interface PullStateOptions {
  /** Who is asked, for messages. */
  readonly peer: string;
  /** host:port of its Exchange service. */
  readonly address: string;
  /** Of whoever pulls; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  readonly run: string;
  /** Shows that this process may pull this state. */
  readonly pass: StatePass;
  readonly step: number;
  readonly shape: StateShape;
  /** What was committed. */
  readonly expected: ExpectedState;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Who hands out states. */
const HOLDERS = ['worker', 'coordinator'] as const;

/** The checksums of a committed state; those of the moments are not known of steps that an earlier version committed. */
export interface ExpectedState extends Pick<StateChecks, 'weightsCrc'> {
  readonly momentsCrc: number | undefined;
}

/**
 * Pulls the state after a step, in memory of its own.
 *
 * @throws TrainingError PEER_UNAVAILABLE when the peer cannot hand it out, FRAME_INVALID when it comes damaged, STALE when it is of
 *   another step, DESYNC when it is sound but not the state that was committed.
 */
export async function pullState(options: PullStateOptions): Promise<StateSnapshot> {
  const { address, run, pass, step, shape, timeoutMs, signal, tls } = options;
  const client = new Exchange(...channelTo({ address, roles: HOLDERS, tls }));
  try {
    const reader = createStateReader(shape);
    const call = client.pullState(
      { run, step, generation: pass.generation, proof: Buffer.from(pass.proof) },
      { deadline: new Date(Date.now() + timeoutMs) },
    );
    const cancel = (): void => {
      call.cancel();
    };
    signal.addEventListener('abort', cancel);
    try {
      if (signal.aborted) cancel();
      for await (const message of call as AsyncIterable<PullStateResponse__Output>) reader.accept(message);
    } catch (caught) {
      call.cancel();
      throw caught instanceof TrainingError ? caught : await unavailable(options, caught);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    const state = reader.finish();
    requireExpected(state, options);
    return state;
  } finally {
    client.close();
  }
}

/** Also for a virtual wire: a sound state must be the one that was asked for. */
export function requireExpected(
  state: Omit<StateSnapshot, 'weights' | 'm' | 'v'>,
  { peer, step, expected }: Pick<PullStateOptions, 'peer' | 'step' | 'expected'>,
): void {
  if (state.step !== step) {
    throw new TrainingError('STALE', `${peer} handed out the state after step ${state.step}, expected step ${step}`);
  }
  for (const [key, what] of [
    ['weightsCrc', 'weights'],
    ['momentsCrc', 'moments'],
  ] as const) {
    if (expected[key] === undefined || expected[key] === state[key]) continue;
    throw new TrainingError(
      'DESYNC',
      `${peer} handed out ${what} ${formatCrc32(state[key])} for step ${step}, expected ${formatCrc32(expected[key])} as committed`,
    );
  }
}

async function unavailable(options: PullStateOptions, caught: unknown): Promise<TrainingError> {
  const { peer, address, step, tls } = options;
  const { code, details, message } = caught as Partial<ServiceError> & Error;
  const reason = (details ?? message).replace(/\. Resolution note: *$/, '');
  const refusal = code === status.UNAVAILABLE ? await explainFailure({ address, roles: HOLDERS, tls }) : undefined;
  const fault =
    refusal !== undefined
      ? `at ${address} does not talk to us: ${refusal}`
      : code === status.UNAVAILABLE
        ? `cannot be reached at ${address}, the address that it gave: ${reason}; start it with a --listen or --advertise that others reach`
        : `does not hand out the state after step ${step} at ${address}: ${reason}`;
  return new TrainingError('PEER_UNAVAILABLE', `${peer} ${fault}`, { cause: caught });
}
