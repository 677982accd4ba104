/**
 * The coordinator's gRPC server: Coordination for the workers, and Exchange.PullState for the state of a checkpoint. It
 * parses, checks and passes on; it decides nothing. Closing ends every call at once.
 */
import type { AddressInfo, Server as NetServer } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  callPeer,
  Coordination,
  createConnectionGate,
  createInflowLimit,
  createStateService,
  Exchange,
  inflowOf,
  serverOptions,
  type CoordinationHandlers,
  type ConnectionLimits,
  type ExchangeHandlers,
  type Status,
} from '@facet/proto';
import { createDoor, type DoorOptions } from '@facet/security';
import {
  COORDINATOR_GENERATION,
  systemClock,
  TrainingError,
  type Clock,
  type PassVerifier,
  type StateAsked,
  type StateSnapshot,
} from '@facet/shared';
import { serveOperator, type OperatorGate, type OrderHandler } from './operator-session.js';
import { JoinSession, type JoinGate, type SessionHandler } from './join-session.js';

/** Enough for a Hello, the parameters of the largest model, and reports. */
const MESSAGE_BYTES = 512 * 1024;
/** Most bytes of one part, of its metrics, and of one cell of the confusion matrix, in an EvaluationDone. */
const EVALUATION_BYTES = { part: 24, metrics: 1_024, cell: 5 } as const;

export interface GrpcServerOptions extends Pick<DoorOptions, 'tls' | 'onRefused'> {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly gate: JoinGate & OperatorGate;
  /** Decides who may pull a state. */
  readonly states: StateGate;
  readonly term: number;
  readonly codeVersion: string;
  readonly handler: SessionHandler;
  /** Carries out what operators order. */
  readonly obey: OrderHandler;
  /** Default: this machine's. */
  readonly clock?: Clock;
  readonly status: () => Status;
  /** Default: as a worker's port has them. */
  readonly connections?: ConnectionLimits;
  /** What one worker may report of one evaluation: this decides how long a message may be. */
  readonly evaluation: EvaluationSize;
  /** The state that the coordinator can hand out for a step. */
  readonly stateOf: (step: number) => Promise<StateSnapshot>;
}

/** Who may pull a state: a member of the generation that was formed last, or a coordinator. */
export interface StateGate {
  readonly passes: Pick<PassVerifier, 'mayPullState'>;
  readonly generation: () => number;
}

/**
 * Also for a virtual wire.
 *
 * @throws TrainingError STALE if the generation is over, TOKEN_INVALID if the proof is not for what is asked.
 */
export function requireMayPullState(
  { passes, generation }: StateGate,
  asked: StateAsked & { readonly proof: Uint8Array },
): void {
  const current = generation();
  if (asked.generation !== COORDINATOR_GENERATION && asked.generation !== current) {
    throw new TrainingError(
      'STALE',
      `generation ${asked.generation} asks for a state, and generation ${current} is the one that was formed last`,
    );
  }
  if (passes.mayPullState(asked)) return;
  throw new TrainingError(
    'TOKEN_INVALID',
    `the puller did not show that it may have the state of run ${asked.run} after step ${asked.step}`,
  );
}

/** The largest evaluation of a run. */
export interface EvaluationSize {
  readonly microBatches: number;
  readonly classes: number;
}

export interface GrpcServer {
  readonly host: string;
  readonly port: number;
  /** Waits until every call has ended, then closes. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends every call and closes. */
  close(): void;
}

/**
 * Starts the server.
 *
 * @throws TrainingError PORT_BUSY naming the port when it is taken.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const requestBytes = maxRequestBytes(options.evaluation);
  const server = new Server(serverOptions(requestBytes));
  server.addService(Coordination.service, coordinationHandlers(options));
  server.addService(Exchange.service, exchangeHandlers(options));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const limitInflow = createInflowLimit(inflowOf(requestBytes), options.clock);
  const door = createDoor({
    tls: options.tls,
    admits: ['worker', 'status', 'operator', 'coordinator'],
    enter: createConnectionGate(options.connections),
    onRefused: options.onRefused,
    onConnection: (socket) => {
      limitInflow(socket);
      injector.injectConnection(socket);
    },
  });
  await listen(door.server, options);
  const close = (): void => {
    door.close();
    server.forceShutdown();
  };
  return {
    host: options.host,
    port: (door.server.address() as AddressInfo).port,
    drain: (timeoutMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          close();
          resolve();
        };
        const timer = setTimeout(end, timeoutMs);
        door.close();
        server.tryShutdown(end);
      }),
    close,
  };
}

function maxRequestBytes({ microBatches, classes }: EvaluationSize): number {
  const part = EVALUATION_BYTES.part + (classes === 0 ? EVALUATION_BYTES.metrics : 0);
  return MESSAGE_BYTES + microBatches * part + classes ** 2 * EVALUATION_BYTES.cell;
}

function coordinationHandlers({
  term,
  codeVersion,
  gate,
  handler,
  obey,
  clock = systemClock,
  status: currentStatus,
}: GrpcServerOptions): CoordinationHandlers {
  return {
    Join(call) {
      new JoinSession({ call, peer: callPeer(call), term, codeVersion, gate, handler, clock });
    },
    Operate(call) {
      serveOperator({ call, peer: callPeer(call), gate, handle: obey, clock });
    },
    GetStatus(_call, callback) {
      callback(null, currentStatus());
    },
  };
}

function exchangeHandlers({ gate: { run }, states, stateOf, clock }: GrpcServerOptions): ExchangeHandlers {
  return {
    Pull(call) {
      call.emit('error', { code: status.UNIMPLEMENTED, details: 'the coordinator exchanges no gradients' });
    },
    PullState: createStateService((asked) => {
      if (asked.run !== run) throw new TrainingError('STALE', `this is run ${run}, not ${asked.run}`);
      requireMayPullState(states, asked);
      return stateOf(asked.step);
    }, clock),
  };
}

function listen(door: NetServer, { host, port }: GrpcServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    // The listener stays: a connection that cannot be accepted (no file descriptor is left) is an event of the server too.
    door.on('error', (error: NodeJS.ErrnoException) => {
      reject(portError(host, port, error));
    });
    door.listen(port, host, resolve);
  });
}

function portError(host: string, port: number, error: NodeJS.ErrnoException): TrainingError {
  const advice = 'choose another coordinator.port, or 0 for any free one';
  if (error.code === 'EADDRINUSE') {
    return new TrainingError('PORT_BUSY', `port ${port} on ${host} is in use; ${advice}`, { cause: error });
  }
  return new TrainingError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.message}; ${advice}`, {
    cause: error,
  });
}
