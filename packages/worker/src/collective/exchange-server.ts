/**
 * The gRPC service that every worker offers to its peers: streams of frames for the all-reduce, and the training state
 * for joiners and checkpoints. A peer pulls; this side only writes, and waits whenever the stream says it is full.
 */
import { once } from 'node:events';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerWritableStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Exchange, type ExchangeHandlers } from '@facet/proto';
import { stateParts, TrainingError, type TrainingState } from '@facet/shared';
import { socketOutlet, streamOutlet, type FrameStream, type Outlet } from './frame-outlet.js';
import { openSocketDoor } from './socket-door.js';

/** Initial metadata of a pull whose frames travel on a socket: the token to greet with, and the Unix socket if there is one. */
export const TOKEN_KEY = 'facet-socket-token';
export const UNIX_NAME_KEY = 'facet-socket-unix-name';

/** A state as a peer or the coordinator may pull it. */
export interface StateSnapshot extends TrainingState {
  readonly weightsCrc: number;
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

/** A peer that pulls. */
interface Pull {
  /** Resolves when frames can be sent; over a socket, when the peer has come with its token. */
  readonly outlet: Promise<Outlet>;
  readonly isOver: boolean;
  /** Registers the one listener to the peer's end of the pull. */
  onOver(listener: (reason: string) => void): void;
  /** Ends the pull from this side, after what was sent. */
  close(): void;
}

const STATE_CHUNK_BYTES = 1024 * 1024;

/** Starts the service on any free port of a host. */
export async function startExchangeServer(options: ExchangeServerOptions): Promise<ExchangeServer> {
  const pulls = new Map<string, Pull>();
  const waiting = new Map<string, (pull: Pull) => void>();
  let closedThrough = 0;
  const key = (generation: number, rank: number): string => `${generation}/${rank}`;

  const refuse = (stream: { emit(event: string, error: object): boolean }, code: status, details: string): void => {
    stream.emit('error', { code, details });
  };

  const acceptStream = (stream: FrameStream): Pull => {
    stream.sendMetadata(new Metadata());
    const outlet = streamOutlet(stream);
    return {
      outlet: Promise.resolve(outlet),
      get isOver() {
        return stream.cancelled;
      },
      onOver(listener) {
        stream.once('cancelled', () => {
          listener('its stream was cancelled');
        });
      },
      close: outlet.close,
    };
  };
  const acceptWithSocket = (stream: FrameStream): Pull => {
    const { token, socket, revoke } = door.invite();
    const metadata = new Metadata();
    metadata.set(TOKEN_KEY, token);
    if (door.unixName !== undefined) metadata.set(UNIX_NAME_KEY, door.unixName);
    stream.sendMetadata(metadata);
    const outlet = socket.then(socketOutlet);
    let isOver = false;
    let tell: (reason: string) => void = () => undefined;
    const over = (reason: string) => (): void => {
      if (isOver) return;
      isOver = true;
      revoke();
      tell(reason);
    };
    stream.once('cancelled', over('its stream was cancelled'));
    void socket.then((guest) => guest.once('close', over('its socket was closed')));
    return {
      outlet,
      get isOver() {
        return isOver;
      },
      onOver: (listener) => (tell = listener),
      close() {
        isOver = true;
        void outlet.then((opened) => {
          opened.close();
        });
        stream.end();
      },
    };
  };

  const handlers: ExchangeHandlers = {
    Pull(call) {
      const stream = call as unknown as FrameStream;
      const { run, generation, rank, payload } = call.request;
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
      const pull = payload === 'PAYLOAD_CHANNEL_SOCKET' ? acceptWithSocket(stream) : acceptStream(stream);
      const name = key(generation, rank);
      pulls.set(name, pull);
      waiting.get(name)?.(pull);
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

  const server = new Server(CHANNEL_OPTIONS);
  server.addService(rawFrames(Exchange.service), handlers);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const door = await openSocketDoor({
    host: options.host,
    onGrpc: (socket) => {
      injector.injectConnection(socket);
    },
  });

  return {
    port: door.port,
    async outlet(generation, rank, onClosed, signal) {
      const name = key(generation, rank);
      const early = pulls.get(name);
      const cancelled = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          waiting.delete(name);
          reject(TrainingError.from(signal.reason));
        });
      });
      const pull =
        early === undefined || early.isOver
          ? await Promise.race([new Promise<Pull>((resolve) => waiting.set(name, resolve)), cancelled])
          : early;
      waiting.delete(name);
      pull.onOver(onClosed);
      return Promise.race([pull.outlet, cancelled]);
    },
    closeThrough(generation) {
      closedThrough = Math.max(closedThrough, generation);
      for (const [name, pull] of pulls) {
        if (Number(name.split('/')[0]) > closedThrough) continue;
        pull.close();
        pulls.delete(name);
      }
    },
    close() {
      for (const pull of pulls.values()) pull.close();
      pulls.clear();
      door.close();
      injector.destroy();
      server.forceShutdown();
    },
  };
}

/** Frames are not wrapped in a protobuf message: what is written is what travels. */
function rawFrames(service: typeof Exchange.service): ServiceDefinition {
  return {
    ...service,
    Pull: { ...service.Pull, responseSerialize: (frame: unknown) => frame as Buffer },
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
