/**
 * The pulling side: one long-lived stream of frames from every peer.
 */
import type { Socket } from 'node:net';
import { Client, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { channelTo, Exchange, type PullRequest } from '@facet/proto';
import { explainFailure, watchPeer, type TlsIdentity } from '@facet/security';
import { TrainingError } from '@facet/shared';
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
  /** Of whoever pulls; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  /** The peer's name in messages. */
  readonly peer: string;
  readonly request: Pick<PullRequest, 'run' | 'generation' | 'rank' | 'proof'>;
  readonly transport: Transport;
  /** Length of the memory to share with a peer on this host. */
  readonly ringBytes: number;
  readonly sink: FrameSink;
  /** Called once when the pull ends before we close it. */
  readonly onClosed: (reason: string) => void;
  /** Ends the attempt to open, which has no deadline of its own. */
  readonly signal: AbortSignal;
}

/** Who exchanges gradients. */
const PEERS = ['worker'] as const;

/**
 * Begins to pull the frames of a peer; resolves when the peer has accepted it.
 *
 * @throws TrainingError PEER_UNAVAILABLE naming the peer, its address and the reason.
 */
export function openInlet(options: InletOptions): Promise<Inlet> {
  const { address, tls, peer, request, transport, signal } = options;
  const hasSocket = transport !== 'grpc';
  let onRevoked = (): void => undefined;
  const watch = watchPeer(tls, () => {
    onRevoked();
  });
  const client = new Client(...channelTo({ address, roles: PEERS, tls, onPeer: watch.onPeer }));
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
    watch.stop();
    socket?.destroy();
    stream.cancel();
    client.close();
  };
  return new Promise((resolve, reject) => {
    let isOpen = false;
    let isExplaining = false;
    const end = (reason: string): void => {
      signal.removeEventListener('abort', giveUp);
      if (over.signal.aborted) return;
      close();
      if (isOpen) options.onClosed(reason);
      else reject(new TrainingError('PEER_UNAVAILABLE', `cannot pull from ${peer} at ${address}: ${reason}`));
    };
    onRevoked = () => {
      end('its certificate was revoked');
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
        tls,
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
      const reason = error.details || error.message;
      if (isOpen || error.code !== status.UNAVAILABLE) {
        end(reason);
        return;
      }
      isExplaining = true;
      void explainFailure({ address, roles: PEERS, tls }).then((refusal) => {
        end(refusal ?? reason);
      });
    });
    stream.on('end', () => {
      // What was sent before may still be on the socket, whose end comes behind it.
      if (!isExplaining && (!hasSocket || socket === undefined)) end('the peer ended its stream');
    });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}
