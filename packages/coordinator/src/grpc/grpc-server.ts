/**
 * The coordinator's gRPC server: Coordination for the workers, and Exchange.PullState for the state of a checkpoint. It
 * parses, checks and passes on; it decides nothing. Closing ends every call at once.
 */
import { createServer } from 'node:net';
import { Server, ServerCredentials, status, type ServerWritableStream } from '@grpc/grpc-js';
import {
  CHANNEL_OPTIONS,
  Coordination,
  Exchange,
  type CoordinationHandlers,
  type ExchangeHandlers,
  type PullStateRequest,
  type PullStateResponse,
  type Status,
} from '@facet/proto';
import { formatAddress, systemClock, TrainingError, type Clock, type TrainingState } from '@facet/shared';
import { JoinSession, type SessionHandler } from './join-session.js';
import { stateMessages } from './state-stream.js';

/** The largest message of a worker is its part of an evaluation; anything larger is refused before it is decoded. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly run: string;
  readonly term: number;
  readonly codeVersion: string;
  readonly handler: SessionHandler;
  /** Default: this machine's. */
  readonly clock?: Clock;
  readonly status: () => Status;
  /** The state that the coordinator can hand out for a step. */
  readonly stateOf: (step: number) => Promise<{ readonly state: TrainingState; readonly weightsCrc: number }>;
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
  const { host } = options;
  await checkPort(host, options.port);
  const server = new Server({
    ...CHANNEL_OPTIONS,
    'grpc.so_reuseport': 0,
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  });
  server.addService(Coordination.service, coordinationHandlers(options));
  server.addService(Exchange.service, exchangeHandlers(options));
  const port = await bind(server, host, options.port);
  return {
    host,
    port,
    drain: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, timeoutMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          server.forceShutdown();
          resolve();
        });
      }),
    close: () => {
      server.forceShutdown();
    },
  };
}

function coordinationHandlers({
  term,
  codeVersion,
  handler,
  clock = systemClock,
  status: currentStatus,
}: GrpcServerOptions): CoordinationHandlers {
  return {
    Join(call) {
      new JoinSession({ call, term, codeVersion, handler, clock });
    },
    GetStatus(_call, callback) {
      callback(null, currentStatus());
    },
  };
}

function exchangeHandlers({ run, stateOf }: GrpcServerOptions): ExchangeHandlers {
  return {
    Pull(call) {
      call.emit('error', { code: status.UNIMPLEMENTED, details: 'the coordinator exchanges no gradients' });
    },
    PullState(call) {
      if (call.request.run !== run) {
        const details = `STALE: this is run ${run}, not ${call.request.run}`;
        call.emit('error', { code: status.FAILED_PRECONDITION, details });
        return;
      }
      stateOf(call.request.step).then(
        ({ state, weightsCrc }) => sendState(call, stateMessages(state, weightsCrc)),
        (caught: unknown) => {
          const { code, message } = TrainingError.from(caught);
          call.emit('error', { code: status.FAILED_PRECONDITION, details: `${code}: ${message}` });
        },
      );
    },
  };
}

/** Sends with back-pressure; a puller that goes away ends it. */
async function sendState(
  call: ServerWritableStream<PullStateRequest, PullStateResponse>,
  messages: Iterable<PullStateResponse>,
): Promise<void> {
  for (const message of messages) {
    if (call.cancelled) return;
    if (!call.write(message)) await nextDrain(call);
  }
  call.end();
}

function nextDrain(call: ServerWritableStream<PullStateRequest, PullStateResponse>): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      call.off('drain', wake).off('cancelled', wake);
      resolve();
    };
    call.on('drain', wake).on('cancelled', wake);
  });
}

/** gRPC's own error for a taken port says nothing, so the port is tried first. */
async function checkPort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(portError(host, port, error));
    });
    probe.listen(port, host, () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(host, port), ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(portError(host, port, error));
    });
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
