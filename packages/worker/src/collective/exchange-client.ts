/**
 * The pulling side: one long-lived stream of frames from every peer, and the one-off pull of a state.
 */
import type { Socket } from 'node:net';
import { Client, credentials, Metadata, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Exchange, type PullRequest, type PullStateResponse__Output } from '@facet/proto';
import { stateCrc, stateParts, TrainingError, type TrainingState } from '@facet/shared';
import { deliver, type FrameSink } from './frame.js';
import { openFrameSocket } from './frame-socket.js';
import { TOKEN_KEY, UNIX_NAME_KEY } from './pull.js';

/**
 * How the frames of the all-reduce travel. `grpc`: as messages of the gRPC stream. `tcp`: on TCP sockets beside the stream.
 * `unix`: the same, with Unix sockets between workers of one host. `auto`: the same, with the values in memory that both
 * workers of one host share.
 */
export type Transport = 'auto' | 'unix' | 'tcp' | 'grpc';

export interface Inlet {
  close(): void;
}

export interface InletOptions {
  readonly address: string;
  /** The peer's name in messages. */
  readonly peer: string;
  readonly request: Pick<PullRequest, 'run' | 'generation' | 'rank'>;
  readonly transport: Transport;
  /** Length of the memory to share with a peer on this host. */
  readonly ringBytes: number;
  readonly sink: FrameSink;
  /** Called once when the pull ends before we close it. */
  readonly onClosed: (reason: string) => void;
  /** Ends the attempt to open, which has no deadline of its own. */
  readonly signal: AbortSignal;
}

/**
 * Begins to pull the frames of a peer; resolves when the peer has accepted it.
 *
 * @throws TrainingError PEER_UNAVAILABLE naming the peer, its address and the reason.
 */
export function openInlet(options: InletOptions): Promise<Inlet> {
  const { address, peer, request, transport, signal } = options;
  const hasSocket = transport !== 'grpc';
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const { path, requestSerialize } = Exchange.service.Pull;
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    (bytes: Buffer) => bytes,
    { ...request, payload: hasSocket ? 'PAYLOAD_CHANNEL_SOCKET' : 'PAYLOAD_CHANNEL_STREAM' },
    new Metadata(),
  );
  const over = new AbortController();
  let socket: Socket | undefined;
  const close = (): void => {
    over.abort();
    socket?.destroy();
    stream.cancel();
    client.close();
  };
  return new Promise((resolve, reject) => {
    let isOpen = false;
    const end = (reason: string): void => {
      signal.removeEventListener('abort', giveUp);
      if (over.signal.aborted) return;
      close();
      if (isOpen) options.onClosed(reason);
      else reject(new TrainingError('PEER_UNAVAILABLE', `cannot pull from ${peer} at ${address}: ${reason}`));
    };
    const opened = (): void => {
      isOpen = true;
      signal.removeEventListener('abort', giveUp);
      resolve({ close });
    };
    const giveUp = (): void => {
      end('it was given up');
    };
    stream.on('metadata', (metadata) => {
      if (!hasSocket) {
        opened();
        return;
      }
      openFrameSocket({
        address,
        token: String(metadata.get(TOKEN_KEY)[0]),
        unixName: transport === 'tcp' ? undefined : metadata.get(UNIX_NAME_KEY)[0]?.toString(),
        ringBytes: transport === 'auto' ? options.ringBytes : 0,
        sink: options.sink,
        // If both end at once, the stream's error says why.
        onClosed: (reason) => setImmediate(end, reason),
        signal: over.signal,
      }).then(
        (connected) => {
          socket = connected;
          if (over.signal.aborted) connected.destroy();
          else opened();
        },
        (caught: unknown) => {
          end(TrainingError.from(caught).message);
        },
      );
    });
    stream.on('data', (frame: Buffer) => {
      try {
        deliver(frame, options.sink);
      } catch (caught) {
        end(TrainingError.from(caught).message);
      }
    });
    stream.on('error', (error: ServiceError) => {
      end(error.details || error.message);
    });
    stream.on('end', () => {
      // What was sent before may still be on the socket, whose end comes behind it.
      if (!hasSocket || socket === undefined) end('the peer ended its stream');
    });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}

export interface PullStateOptions {
  readonly address: string;
  readonly run: string;
  readonly step: number;
  readonly weightsCrc: number;
  /** Receives the state, [parameters] each; with a place for the average exactly when the run keeps one. */
  readonly target: Omit<TrainingState, 'step'>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Pulls the state after a step into buffers of the caller and checks it.
 *
 * @throws TrainingError PEER_UNAVAILABLE, or DESYNC when what came is not what was announced.
 */
export async function pullState(options: PullStateOptions): Promise<void> {
  const { address, run, step, target, timeoutMs, signal } = options;
  const client = new Exchange(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  try {
    const stream = client.PullState({ run, step }, { deadline: Date.now() + timeoutMs });
    const cancel = (): void => {
      stream.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    await receiveState(stream, options);
    signal.removeEventListener('abort', cancel);
  } catch (caught) {
    if (caught instanceof TrainingError) throw caught;
    const reason = caught instanceof Error ? caught.message : String(caught);
    throw new TrainingError('PEER_UNAVAILABLE', `cannot pull the state after step ${step} from ${address}: ${reason}`, {
      cause: caught,
    });
  } finally {
    client.close();
  }
  const actual = stateCrc(target);
  if (actual !== options.weightsCrc) {
    throw new TrainingError(
      'DESYNC',
      `the state after step ${step} from ${address} has weights ${actual.toString(16)}, expected ${options.weightsCrc.toString(16)}`,
    );
  }
}

async function receiveState(
  stream: ClientReadableStream<PullStateResponse__Output>,
  { target, step }: PullStateOptions,
): Promise<void> {
  const parts = stateParts(target).map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const flat = Buffer.allocUnsafe(total);
  let received = 0;
  for await (const message of stream as AsyncIterable<PullStateResponse__Output>) {
    if (message.header) {
      const { parameters, step: actualStep } = message.header;
      if (actualStep !== step || parameters !== target.weights.length) {
        throw new TrainingError(
          'DESYNC',
          `a state of ${parameters} parameters after step ${actualStep} came, expected ${target.weights.length} after step ${step}`,
        );
      }
    } else if (message.chunk) {
      if (received + message.chunk.length > total) {
        throw new TrainingError('DESYNC', `a state of more than the expected ${total} bytes came`);
      }
      message.chunk.copy(flat, received);
      received += message.chunk.length;
    }
  }
  if (received !== total)
    throw new TrainingError('PEER_UNAVAILABLE', `a state of ${received} bytes came, expected ${total}`);
  let at = 0;
  for (const part of parts) {
    flat.copy(part, 0, at, at + part.length);
    at += part.length;
  }
}
