/**
 * The worker's side of the Join stream: messages out without waiting, messages in one after the other. Both queues have a
 * bound. If one is full, the stream ends, and the worker connects anew.
 */
import { connectivityState } from '@grpc/grpc-js';
import { channelTo, Coordination, type JoinRequest, type JoinResponse__Output } from '@facet/proto';
import { explainFailure, watchPeer, type TlsIdentity } from '@facet/security';
import { TrainingError } from '@facet/shared';

/** Longest wait for a connection to the coordinator. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Messages that may wait in one direction. A worker and a coordinator that keep up have a few. */
const MOST_WAITING = 256;

export interface CoordinatorStream extends AsyncDisposable {
  /** Sends without waiting; messages after the end of the stream are dropped. */
  send(message: JoinRequest): void;
  /**
   * Messages in order until the stream ends, however it ends. If it ends without one because the certificate of a side will not
   * do, that is thrown.
   *
   * @param onArrival sees every message the moment it arrives, before its turn
   */
  messages(onArrival: (message: JoinResponse__Output) => void): AsyncGenerator<JoinResponse__Output, void>;
}

/** The part of a Join call that is used here. */
export interface JoinCall {
  on(event: 'data', listener: (message: JoinResponse__Output) => void): unknown;
  on(event: 'error' | 'end', listener: () => void): unknown;
  write(message: JoinRequest): unknown;
  /** Messages that were written and not yet sent. */
  readonly writableLength: number;
  cancel(): void;
}

/**
 * Connects to a coordinator.
 *
 * @param tls of this worker; absent: in the open
 * @throws TrainingError COORDINATOR_UNREACHABLE naming the address; CERTIFICATE_REFUSED when a side does not accept the other.
 */
export async function openCoordinatorStream(address: string, tls?: TlsIdentity): Promise<CoordinatorStream> {
  const roles = ['coordinator'] as const;
  let call: ReturnType<typeof client.Join> | undefined = undefined;
  const watch = watchPeer(tls, () => call?.cancel());
  const client = new Coordination(...channelTo({ address, roles, tls, onPeer: watch.onPeer }));
  const explained = async (): Promise<TrainingError | undefined> => {
    const reason = await explainFailure({ address, roles, tls });
    if (reason === undefined) return undefined;
    return new TrainingError('CERTIFICATE_REFUSED', `the coordinator at ${address}: ${reason}`);
  };
  const close = (): void => {
    watch.stop();
    client.close();
  };
  const deadlineMs = Date.now() + CONNECT_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: TrainingError): void => {
      close();
      reject(error);
    };
    const unreachable = (reason: string): TrainingError =>
      new TrainingError(
        'COORDINATOR_UNREACHABLE',
        `no coordinator answers at ${address}: ${reason}; start one with \`facet coordinator\`, or check the address and the firewall`,
      );
    const channel = client.getChannel();
    // gRPC itself would go on trying this address, but the coordinator may be at another one by now.
    const check = (): void => {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) resolve();
      else if (state === connectivityState.TRANSIENT_FAILURE) {
        void explained().then((refusal) => {
          fail(refusal ?? unreachable('the connection is refused'));
        });
      } else {
        channel.watchConnectivityState(state, deadlineMs, (error) => {
          if (error === undefined) check();
          else fail(unreachable(`nothing within ${CONNECT_TIMEOUT_MS} ms`));
        });
      }
    };
    check();
  });
  // With TLS 1.3 a client is judged when it thinks that it is in.
  call = client.Join();
  return coordinatorStreamOf(call, close, tls === undefined ? undefined : explained);
}

/**
 * A coordinator stream over an open call.
 *
 * @param close ends what the call runs on
 * @param explained is asked for an error when the stream ends without a message
 */
export function coordinatorStreamOf(
  call: JoinCall,
  close: () => void,
  explained: () => Promise<TrainingError | undefined> = () => Promise.resolve(undefined),
): CoordinatorStream {
  const queue: JoinResponse__Output[] = [];
  let isOver = false;
  let hasHeard = false;
  let wake: () => void = () => undefined;
  let onArrival: (message: JoinResponse__Output) => void = () => undefined;
  const end = (): void => {
    isOver = true;
    wake();
  };
  const giveUp = (): void => {
    call.cancel();
    end();
  };
  call.on('data', (message: JoinResponse__Output) => {
    if (isOver) return;
    hasHeard = true;
    onArrival(message);
    queue.push(message);
    if (queue.length > MOST_WAITING) giveUp();
    else wake();
  });
  call.on('error', end);
  call.on('end', end);

  return {
    send(message) {
      if (isOver) return;
      if (call.writableLength >= MOST_WAITING) giveUp();
      else call.write(message);
    },
    async *messages(listener) {
      onArrival = listener;
      for (;;) {
        const message = queue.shift();
        if (message !== undefined) {
          yield message;
        } else if (isOver) {
          const refusal = hasHeard ? undefined : await explained();
          if (refusal !== undefined) throw refusal;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
    [Symbol.asyncDispose]() {
      isOver = true;
      call.cancel();
      close();
      return Promise.resolve();
    },
  };
}
