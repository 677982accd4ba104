/**
 * The gRPC service that every worker offers to its peers: streams of frames for the all-reduce, and the training state
 * for joiners and checkpoints. A peer pulls; this side only writes, and waits whenever the stream says it is full.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerWritableStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Exchange, type ExchangeHandlers, type PullRequest } from '@facet/proto';
import { stateParts, TrainingError, type TrainingState } from '@facet/shared';

/** A state as a peer or the coordinator may pull it. */
export interface StateSnapshot extends TrainingState {
  readonly weightsCrc: number;
}

/** The stream on which one peer of one generation pulls our frames. */
export interface Outlet {
  /** Resolves when the stream takes more. Rejects when the peer is gone. */
  send(frame: Buffer): Promise<void>;
  close(): void;
}

export interface ExchangeServer {
  readonly port: number;
  /**
   * Waits until a peer pulls for a generation; a peer that was early is already there.
   *
   * @param onClosed called when the peer's stream ends before we close it
   */
  outlet(generation: number, rank: number, onClosed: (reason: string) => void, signal: AbortSignal): Promise<Outlet>;
  /** Ends every stream of generations up to this one and refuses new ones. */
  closeThrough(generation: number): void;
  close(): void;
}

export interface ExchangeServerOptions {
  readonly host: string;
  /** The run that callers must name; undefined until the coordinator has told us. */
  readonly run: () => string | undefined;
  /** The state after a step if this worker still has it. */
  readonly snapshot: (step: number) => StateSnapshot | undefined;
}

type FrameStream = ServerWritableStream<PullRequest, Buffer>;

const STATE_CHUNK_BYTES = 1024 * 1024;
/** A request names a run and a few numbers. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** Peers that pull before their generation is opened here: one stream per rank. Anything beyond is no peer of ours. */
const MAX_STREAMS = 4_096;

/** Starts the service on any free port of a host. */
export async function startExchangeServer(options: ExchangeServerOptions): Promise<ExchangeServer> {
  const streams = new Map<string, FrameStream>();
  const waiting = new Map<string, (stream: FrameStream) => void>();
  let closedThrough = 0;
  const key = (generation: number, rank: number): string => `${generation}/${rank}`;

  const refuse = (stream: { emit(event: string, error: object): boolean }, code: status, details: string): void => {
    stream.emit('error', { code, details });
  };

  const handlers: ExchangeHandlers = {
    Pull(call) {
      const stream = call as unknown as FrameStream;
      const { run, generation, rank } = call.request;
      if (run !== options.run()) {
        refuse(
          call,
          status.FAILED_PRECONDITION,
          `run ${run} was asked for, this worker trains ${options.run() ?? 'none yet'}`,
        );
        return;
      }
      if (generation <= closedThrough) {
        refuse(call, status.ABORTED, `generation ${generation} is over, ${closedThrough + 1} or later is next`);
        return;
      }
      const name = key(generation, rank);
      if (streams.size >= MAX_STREAMS && !streams.has(name)) {
        refuse(call, status.RESOURCE_EXHAUSTED, `${streams.size} streams are open, at most ${MAX_STREAMS} may be`);
        return;
      }
      if (streams.get(name)?.cancelled === false) {
        refuse(call, status.ALREADY_EXISTS, `rank ${rank} pulls for generation ${generation} already`);
        return;
      }
      stream.sendMetadata(new Metadata());
      stream.once('cancelled', () => {
        if (streams.get(name) === stream) streams.delete(name);
      });
      const waiter = waiting.get(name);
      if (waiter === undefined) streams.set(name, stream);
      else waiter(stream);
    },
    PullState(call) {
      const { run, step } = call.request;
      const state = run === options.run() ? options.snapshot(step) : undefined;
      if (state === undefined) {
        refuse(call, status.NOT_FOUND, `this worker does not hold the state of run ${run} after step ${step}`);
        return;
      }
      call.write({ header: { step, parameters: state.weights.length, weightsCrc: state.weightsCrc } });
      // The peer's end of the stream is reported to the peer itself; here there is nobody to tell.
      writeState(call, state).catch(() => {
        call.destroy();
      });
    },
  };

  const server = new Server({ ...CHANNEL_OPTIONS, 'grpc.max_receive_message_length': MAX_REQUEST_BYTES });
  server.addService(rawFrames(Exchange.service), handlers);
  // The sockets are accepted here and handed to gRPC: its own listener leaves Nagle's algorithm on, and the last piece of every
  // chunk would wait for a delayed acknowledgement.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ noDelay: true }, (socket) => {
    injector.injectConnection(socket);
  });
  const port = await listen(listener, options.host);

  return {
    port,
    outlet(generation, rank, onClosed, signal) {
      const name = key(generation, rank);
      return new Promise((resolve, reject) => {
        const accept = (stream: FrameStream): void => {
          waiting.delete(name);
          streams.set(name, stream);
          stream.once('cancelled', () => {
            onClosed('its stream was cancelled');
          });
          resolve(openOutlet(stream));
        };
        const early = streams.get(name);
        if (early !== undefined && !early.cancelled) {
          accept(early);
          return;
        }
        waiting.set(name, accept);
        signal.addEventListener('abort', () => {
          waiting.delete(name);
          reject(TrainingError.from(signal.reason));
        });
      });
    },
    closeThrough(generation) {
      closedThrough = Math.max(closedThrough, generation);
      for (const [name, stream] of streams) {
        if (Number(name.split('/')[0]) > closedThrough) continue;
        stream.end();
        streams.delete(name);
      }
    },
    close() {
      for (const stream of streams.values()) stream.end();
      streams.clear();
      listener.close();
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function listen(listener: TcpServer, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error) => {
      reject(
        new TrainingError('CONFIG_INVALID', `a worker cannot listen on ${host}: ${error.message}`, { cause: error }),
      );
    });
    listener.listen(0, host, () => {
      listener.removeAllListeners('error');
      resolve((listener.address() as AddressInfo).port);
    });
  });
}

/** Frames are not wrapped in a protobuf message: what is written is what travels. */
function rawFrames(service: typeof Exchange.service): ServiceDefinition {
  return {
    ...service,
    Pull: { ...service.Pull, responseSerialize: (frame: unknown) => frame as Buffer },
  };
}

function openOutlet(stream: FrameStream): Outlet {
  const gone = (): TrainingError => new TrainingError('PEER_UNAVAILABLE', 'the peer stopped pulling');
  const write = async (frame: Buffer): Promise<void> => {
    if (stream.cancelled || stream.destroyed) throw gone();
    if (stream.write(frame)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (action: () => void) => (): void => {
        stream.off('drain', onDrain);
        stream.off('cancelled', onGone);
        stream.off('close', onGone);
        action();
      };
      const onDrain = settle(resolve);
      const onGone = settle(() => {
        reject(gone());
      });
      stream.on('drain', onDrain);
      stream.on('cancelled', onGone);
      stream.on('close', onGone);
    });
  };
  // One frame at a time: buckets send side by side, and only the head of the line waits for the stream to drain.
  let last: Promise<void> = Promise.resolve();
  return {
    send(frame) {
      const sent = last.then(() => write(frame));
      last = sent.catch(() => undefined);
      return sent;
    },
    close() {
      stream.end();
    },
  };
}

async function writeState(call: ServerWritableStream<unknown, { chunk: Buffer }>, state: StateSnapshot): Promise<void> {
  for (const part of stateParts(state)) {
    for (let at = 0; at < part.byteLength; at += STATE_CHUNK_BYTES) {
      if (call.cancelled) return;
      const length = Math.min(STATE_CHUNK_BYTES, part.byteLength - at);
      if (!call.write({ chunk: Buffer.from(part.buffer, part.byteOffset + at, length) }))
        await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
    }
  }
  call.end();
}
