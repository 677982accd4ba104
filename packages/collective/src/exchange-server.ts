/**
 * The gRPC service that every worker offers to its peers: streams of frames for the all-reduce, and the training state
 * for joiners and checkpoints. A peer pulls; this side only writes, and waits whenever the stream says it is full.
 */
import type { Socket } from 'node:net';
import { Server, ServerCredentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import {
  createInflowLimit,
  createStateService,
  Exchange,
  inflowOf,
  serverOptions,
  type ExchangeHandlers,
} from '@facet/proto';
import type { DoorOptions } from '@facet/security';
import { COORDINATOR_GENERATION, PassVerifier, TrainingError, type StateSnapshot } from '@facet/shared';
import type { FrameStream, Outlet } from './frame-outlet.js';
import { acceptStream, acceptWithSocket, type Pull } from './pull.js';
import { openSocketDoor } from './socket-door.js';

export interface ExchangeServer {
  readonly port: number;
  /**
   * Waits until a peer pulls for a generation; a peer that was early is already there.
   *
   * @param onClosed called when the peer's stream ends before we close it
   */
  outlet(generation: number, rank: number, onClosed: (reason: string) => void, signal: AbortSignal): Promise<Outlet>;
  /** Tells the peers that pull for a generation why it fails. */
  failPulls(generation: number, reason: string): void;
  /** Ends every pull of generations up to this one, after what was sent, and refuses new ones. */
  closeThrough(generation: number): void;
  close(): void;
}

export interface ExchangeServerOptions extends Pick<DoorOptions, 'tls' | 'onRefused'> {
  readonly host: string;
  /** Default: any free one. */
  readonly port?: number;
  /** Takes connections to the port that speak HTTP/1. Absent: they are refused. */
  readonly onHttp?: ((socket: Socket) => void) | undefined;
  /** The run that callers must name; undefined until the coordinator has told us. */
  readonly run: () => string | undefined;
  /** Of that run: checks what pullers show; undefined until the coordinator has told us. */
  readonly exchangeKey: () => Uint8Array | undefined;
  /** The state after a step if this worker still has it. */
  readonly snapshot: (step: number) => StateSnapshot | undefined;
}

/** A request names a run and a few numbers. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** Peers that pull before their generation is opened here: one each. Anything beyond is no peer of ours. */
const MAX_PULLS = 4_096;

/** Starts the service on a port of a host. */
export async function startExchangeServer(options: ExchangeServerOptions): Promise<ExchangeServer> {
  const pulls = new Map<string, Pull>();
  const waiting = new Map<string, (pull: Pull) => void>();
  let closedThrough = 0;
  const nameOf = (generation: number, rank: number): string => `${generation}/${rank}`;
  const generationOf = (name: string): number => Number(name.split('/')[0]);

  /** Whose passes are checked changes with a Welcome, if at all. */
  let verifier: { readonly key: Uint8Array; readonly passes: PassVerifier } | undefined;
  const passes = (): PassVerifier | undefined => {
    const key = options.exchangeKey();
    if (key === undefined) return undefined;
    if (verifier?.key !== key) verifier = { key, passes: new PassVerifier(key) };
    return verifier.passes;
  };

  const refuse = (stream: { emit(event: string, error: object): boolean }, code: status, details: string): void => {
    stream.emit('error', { code, details });
  };

  const handlers: ExchangeHandlers = {
    Pull(call) {
      const stream = call as unknown as FrameStream;
      const { run, generation, rank, payload, proof } = call.request;
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
      if (passes()?.mayPull({ run, generation, rank, proof }) !== true) {
        const what = `rank ${rank} in generation ${generation} of run ${run}`;
        refuse(call, status.PERMISSION_DENIED, `the puller did not show that it has ${what}`);
        return;
      }
      const name = nameOf(generation, rank);
      const earlier = pulls.get(name);
      if (earlier === undefined && pulls.size >= MAX_PULLS) {
        refuse(call, status.RESOURCE_EXHAUSTED, `${pulls.size} pulls are open, at most ${MAX_PULLS} may be`);
        return;
      }
      if (earlier?.isOver === false) {
        refuse(call, status.ALREADY_EXISTS, `rank ${rank} pulls for generation ${generation} already`);
        return;
      }
      const pull = payload === 'PAYLOAD_CHANNEL_SOCKET' ? acceptWithSocket(stream, door) : acceptStream(stream);
      earlier?.close();
      pulls.set(name, pull);
      stream.once('cancelled', () => {
        // One that was failed from here holds its socket until its generation is closed.
        if (pulls.get(name) === pull && !pull.isHolding) pulls.delete(name);
      });
      waiting.get(name)?.(pull);
    },
    PullState: createStateService(({ run, step, generation, proof }) => {
      if (run === options.run()) {
        if (generation !== COORDINATOR_GENERATION && generation <= closedThrough) {
          throw new TrainingError(
            'STALE',
            `generation ${generation} is over, ${closedThrough + 1} or later may pull a state`,
          );
        }
        if (passes()?.mayPullState({ run, generation, step, proof }) !== true) {
          throw new TrainingError(
            'TOKEN_INVALID',
            `the puller did not show that it may have the state of run ${run} after step ${step}`,
          );
        }
      }
      const state = run === options.run() ? options.snapshot(step) : undefined;
      if (state !== undefined) return state;
      throw new TrainingError('STALE', `this worker does not hold the state of run ${run} after step ${step}`);
    }),
  };

  const server = new Server(serverOptions(MAX_REQUEST_BYTES));
  server.addService(rawFrames(Exchange.service), handlers);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const limitInflow = createInflowLimit(inflowOf(MAX_REQUEST_BYTES));
  const door = await openSocketDoor({
    host: options.host,
    port: options.port,
    tls: options.tls,
    onRefused: options.onRefused,
    onHttp: options.onHttp,
    onGrpc: (socket) => {
      limitInflow(socket);
      injector.injectConnection(socket);
    },
  });

  return {
    port: door.port,
    async outlet(generation, rank, onClosed, signal) {
      const name = nameOf(generation, rank);
      const early = pulls.get(name);
      if (signal.aborted) throw TrainingError.from(signal.reason);
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
    failPulls(generation, reason) {
      for (const [name, pull] of pulls) if (generationOf(name) === generation) pull.fail(reason);
    },
    closeThrough(generation) {
      closedThrough = Math.max(closedThrough, generation);
      for (const [name, pull] of pulls) {
        if (generationOf(name) > closedThrough) continue;
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
