/**
 * What workers offer each other, over virtual connections: streams of frames for the all-reduce, and the training state for
 * joiners and checkpoints. The rules are those of the gRPC service: a stream belongs to a generation, an early one waits,
 * one of a generation that is over is refused.
 */
import { createStateReader, requireExpected, stateMessages, type PullStateResponse__Output } from '@facet/proto';
import { COORDINATOR_GENERATION, PassVerifier, TrainingError, type StatePass, type StateSnapshot } from '@facet/shared';
import { deliver, wholeFrame } from '@facet/collective/internal';
import type { WorkerNetwork } from '@facet/worker/internal';
import type { Endpoint, Network } from './network.js';
import type { Process } from './world.js';

type Exchange = WorkerNetwork['exchange'];
type Outlet = Awaited<ReturnType<Exchange['outlet']>>;

/** The first message of a connection to a worker. */
export type ExchangeRequest =
  | { readonly kind: 'frames'; readonly generation: number; readonly rank: number; readonly proof: Uint8Array }
  | ({ readonly kind: 'state'; readonly step: number } & StatePass);

/** The answer to a request for frames, which invites the puller to a socket. */
const ACCEPTED = 'accepted';
/** The puller is on that socket: frames may come. */
const GREETING = 'greeting';

export interface ExchangeOptions {
  readonly network: Network;
  readonly process: Process;
  readonly address: string;
  readonly run: string;
  /** Checks what pullers show; undefined until the coordinator has told this worker. */
  readonly exchangeKey: () => Uint8Array | undefined;
  readonly snapshot: (step: number) => StateSnapshot | undefined;
}

/** Starts the service of one worker. */
export function startExchange(options: ExchangeOptions): Exchange {
  const { network, process, address, run, snapshot } = options;
  const streams = new Map<string, Endpoint>();
  const greeted = new WeakSet<Endpoint>();
  const waiting = new Map<string, (stream: Endpoint) => void>();
  let closedThrough = 0;

  network.listen(process, address, (endpoint, request) => {
    const asked = { ...(request as ExchangeRequest), run };
    const key = options.exchangeKey();
    const passes = key && new PassVerifier(key);
    const { generation } = asked;
    const isOver = generation !== COORDINATOR_GENERATION && generation <= closedThrough;
    if (asked.kind === 'state') {
      const mayPull = !isOver && passes?.mayPullState(asked) === true;
      handOut(endpoint, mayPull ? snapshot(asked.step) : undefined);
      return;
    }
    if (isOver || passes?.mayPull(asked) !== true) {
      endpoint.close();
      return;
    }
    const { rank } = asked;
    endpoint.send(ACCEPTED);
    const name = `${generation}/${rank}`;
    streams.set(name, endpoint);
    endpoint.onMessage = () => {
      greeted.add(endpoint);
      waiting.get(name)?.(endpoint);
    };
  });

  return {
    outlet(generation, rank, onClosed, signal) {
      const name = `${generation}/${rank}`;
      return new Promise((resolve, reject) => {
        const accept = (endpoint: Endpoint): void => {
          waiting.delete(name);
          endpoint.onClosed = () => {
            onClosed('its stream was cancelled');
          };
          resolve(outletOf(endpoint, (frame) => network.carryFrame(process.name, frame)));
        };
        const early = streams.get(name);
        if (early?.isOpen === true && greeted.has(early)) {
          accept(early);
          return;
        }
        if (signal.aborted) {
          reject(TrainingError.from(signal.reason));
          return;
        }
        waiting.set(name, accept);
        signal.addEventListener('abort', () => {
          waiting.delete(name);
          reject(TrainingError.from(signal.reason));
        });
      });
    },
    failPulls(generation) {
      for (const [name, endpoint] of streams) if (name.startsWith(`${generation}/`)) endpoint.close();
    },
    closeThrough(generation) {
      closedThrough = Math.max(closedThrough, generation);
      for (const [name, endpoint] of streams) {
        if (Number(name.split('/')[0]) > closedThrough) continue;
        endpoint.close();
        streams.delete(name);
      }
    },
  };
}

function outletOf(endpoint: Endpoint, carry: (frame: Buffer) => Buffer): Outlet {
  return {
    way: 'tcp',
    send: (header, values) => {
      if (!endpoint.isOpen) return Promise.reject(new TrainingError('PEER_UNAVAILABLE', 'the peer stopped pulling'));
      endpoint.send(carry(wholeFrame(header, values)));
      return Promise.resolve();
    },
  };
}

/** Opens streams of frames from a process. */
export function openInletFrom(network: Network, process: Process): WorkerNetwork['openInlet'] {
  return ({ address, peer, request, sink, onClosed, signal }) =>
    new Promise((resolve, reject) => {
      const { generation, rank, proof } = request;
      const asked = { kind: 'frames', generation, rank, proof } satisfies ExchangeRequest;
      const endpoint = network.connect(process, address, asked);
      const fail = (reason: string): void => {
        signal.removeEventListener('abort', giveUp);
        reject(new TrainingError('PEER_UNAVAILABLE', `cannot pull from ${peer} at ${address}: ${reason}`));
      };
      const giveUp = (): void => {
        endpoint.close();
        fail('it was given up');
      };
      signal.addEventListener('abort', giveUp);
      endpoint.onClosed = fail;
      endpoint.onMessage = () => {
        signal.removeEventListener('abort', giveUp);
        endpoint.send(GREETING);
        endpoint.onClosed = onClosed;
        endpoint.onMessage = (frame) => {
          deliver(frame as Buffer, sink);
        };
        resolve({
          close: () => {
            endpoint.close();
          },
        });
      };
    });
}

/** Answers a request for a state with the messages of the real stream; nothing when it is not held. */
export function handOut(endpoint: Endpoint, state: StateSnapshot | undefined): void {
  if (state !== undefined) for (const message of stateMessages(state)) endpoint.send(message);
  endpoint.close();
}

/** Pulls a state from a worker or from the coordinator, as it is read from the real stream. */
export function pullStateOver(network: Network, process: Process): WorkerNetwork['pullState'] {
  return (options) => {
    const { address, peer, step, pass, shape, timeoutMs, signal } = options;
    const reader = createStateReader(shape);
    return new Promise((resolve, reject) => {
      const endpoint = network.connect(process, address, { kind: 'state', step, ...pass } satisfies ExchangeRequest);
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', giveUp);
        endpoint.close();
      };
      const fail = (reason: string): void => {
        end();
        const message = `${peer} does not hand out the state after step ${step} at ${address}: ${reason}`;
        reject(new TrainingError('PEER_UNAVAILABLE', message));
      };
      const giveUp = (): void => {
        fail('no longer wanted');
      };
      const cancel = process.clock.schedule(timeoutMs, () => {
        fail('it took too long');
      });
      signal.addEventListener('abort', giveUp);
      let isBegun = false;
      endpoint.onMessage = (message) => {
        isBegun = true;
        reader.accept(message as PullStateResponse__Output);
      };
      endpoint.onClosed = (reason) => {
        if (!isBegun) {
          fail(reason);
          return;
        }
        end();
        try {
          const state = reader.finish();
          requireExpected(state, options);
          resolve(state);
        } catch (caught) {
          reject(TrainingError.from(caught));
        }
      };
      if (signal.aborted) giveUp();
    });
  };
}
