/**
 * A coordinator process in the virtual world: the real assembly of conductor, intake, commit log, checkpointer and publisher
 * over virtual sockets and a virtual disk, and its real end. It starts as a real one does: read what is there, then go on or begin. Where a
 * run has a standby, it is a real candidate too, over a lease in the virtual broker.
 */
import {
  assembleRun,
  changeRecord,
  CandidateLife,
  createRunLife,
  createShardSource,
  endablePlan,
  JoinSession,
  readEarlierRun,
  requireMayPullState,
  resumeRecord,
  takeUpChanges,
  type Coordinator,
  type Ending,
  type JoinGate,
  type Leadership,
  type RunAssembly,
  type StateGate,
} from '@facet/coordinator/internal';
import { pause, RunToken, TrainingError, type StateSnapshot } from '@facet/shared';
import { connectPublisher, openLeaseStore } from './broker-client.js';
import type { Disk } from './disk.js';
import { handOut, type ExchangeRequest } from './exchange.js';
import { serverCall } from './join-call.js';
import type { Endpoint, Network } from './network.js';
import { NO_METRICS, traceLogger, type Trace } from './silent-sinks.js';
import type { SharedStore } from './shared-store.js';
import type { TinyRun } from './tiny-run.js';
import { Process } from './world.js';

/** The processes that may lead; the second one where the run has a standby. */
export const COORDINATORS = ['coordinator', 'standby'] as const;
export const CODE_VERSION = 'simulated';
/** All processes have it. */
export const TOKEN = RunToken.random();

/** How often a server that drains looks whether its calls are over. */
const DRAIN_LOOK_MS = 5;

/** Reading the ledger and the checkpoint. */
const START_MS = { least: 5, most: 100 };

/** Where a coordinator listens. */
export function addressOf(name: string): string {
  return `${name}:1`;
}

export interface SimulatedCoordinatorOptions {
  readonly run: TinyRun;
  readonly network: Network;
  readonly disk: Disk;
  /** Where the run lives; absent where all coordinators have one disk. */
  readonly store: SharedStore | undefined;
  readonly name: string;
  /** As a candidate of a run that has a standby. */
  readonly role: 'first' | 'standby';
  readonly pid: number;
  /** Whether all coordinators are on one host. */
  readonly isOneHost: boolean;
  /** Whether a process is dead, for those of its host to know. */
  readonly isDead: (pid: number) => boolean;
  /** The process ends: the run is over, or it could not start or go on. */
  readonly onExit: (ending: Ending | TrainingError) => void;
  readonly trace: Trace | undefined;
}

export interface SimulatedCoordinator {
  readonly process: Process;
  /** Whether it believes that it leads. */
  readonly isLeading: () => boolean;
  /** Asks it to leave the run to the next one, as SIGTERM does. */
  handOver(): void;
}

/** Starts a coordinator, of a new run or to go on with the one on disk. */
export function startCoordinator(options: SimulatedCoordinatorOptions): SimulatedCoordinator {
  const { network, name, onExit, run } = options;
  const { world } = network;
  const process = new Process(world, name);
  let life: CandidateLife<Ending> | undefined;
  let alone: Coordinator<Ending> | undefined;
  const exit = (ending: Ending | TrainingError): void => {
    if (process.isDead) return;
    process.kill();
    onExit(ending);
  };
  const start = async (): Promise<Ending> => {
    if (!run.hasStandby) {
      alone = await open(options, process, undefined);
      return alone.done;
    }
    life = await candidate(options, process);
    return life.run();
  };
  process.clock.schedule(world.between(START_MS.least, START_MS.most), () => {
    start().then(exit, (caught: unknown) => {
      exit(TrainingError.from(caught));
    });
  });
  return {
    process,
    isLeading: () => !process.isDead && life?.isLeading === true,
    handOver: () => {
      if (!process.isDead) (life ?? alone)?.requestHandOver('it was told to end');
    },
  };
}

async function candidate(options: SimulatedCoordinatorOptions, process: Process): Promise<CandidateLife<Ending>> {
  const { run, network, disk, store, name, role, pid, isOneHost, isDead, trace } = options;
  return new CandidateLife<Ending>({
    config: run.config,
    role,
    store: await openLeaseStore(network, process),
    self: { holder: `${name}-${pid}`, host: 'host', pid },
    isDead: (entry) => isOneHost && isDead(entry.pid),
    open: ({ isFirst, leadership }) => {
      const hasBegun = store?.hasBegun ?? disk.records.length > 0;
      if (!isFirst && !hasBegun) throw new TrainingError('RUN_NOT_FOUND', 'there is no run to resume');
      return open(options, process, leadership);
    },
    hasBegun: () =>
      disk.ask(process, () => store?.hasBegun ?? (disk.records.length > 0 && !(isOneHost && disk.isLocked))),
    endedResult: () => disk.ask(process, () => (store === undefined ? disk.endedResult : store.endedResult)),
    onLeading: () => Promise.resolve(),
    onWaiting: () => undefined,
    clock: process.clock,
    log: traceLogger(name, () => network.world.nowMs, trace),
  });
}

/** Opens the run for one term. */
async function open(
  options: SimulatedCoordinatorOptions,
  process: Process,
  leadership: Leadership | undefined,
): Promise<Coordinator<Ending>> {
  const { run, network, disk, store, name, trace } = options;
  const { config, data, record } = run;
  const plan = endablePlan(run.plan);
  const log = traceLogger(name, () => network.world.nowMs, trace);
  let failRun: (error: TrainingError) => void = () => undefined;
  const onError = (error: TrainingError): void => {
    failRun(error);
  };
  const link = store && (await store.attach(process, { onError, log }));
  const own = disk.open({ process, lock: leadership?.lock ?? 'respect', onError });
  if (link !== undefined) disk.takeOver(link.records, link.checkpoint);
  const folder = link === undefined ? own : link.over(own);
  try {
    const { ledger } = folder;
    const { checkpoint } = disk;
    link?.begin(checkpoint);
    const { changes } = takeUpChanges(config, plan, readEarlierRun(ledger.records, checkpoint, plan));
    const earlier = readEarlierRun(ledger.records, checkpoint, plan);
    const at = process.clock.wallTime();
    if (earlier.isFinished) {
      for (const change of changes) await ledger.append(changeRecord(change, at));
      await folder.settle();
      await folder.close();
      return finished();
    }
    const mode = ledger.records.length === 0 ? 'new' : 'resume';
    if (mode === 'resume') await ledger.append(resumeRecord(earlier, at));
    for (const change of changes) await ledger.append(changeRecord(change, at));
    const broker = await connectPublisher(network, process, config.run);
    let onEnd: (ending: Ending) => void = () => undefined;
    const assembly = assembleRun({
      config,
      codeVersion: CODE_VERSION,
      plan,
      data,
      earlier,
      folder: { checkpointsPath: 'checkpoints', checkpoint, ledger, key: disk.key },
      broker,
      source: createShardSource({ config, plan, data }),
      io: link === undefined ? disk.checkpointIo(network, process) : link.storing(disk.checkpointIo(network, process)),
      metrics: NO_METRICS,
      clock: process.clock,
      log,
      isLeading: () => leadership?.isHeld() ?? true,
      onFenced: (reason) => leadership?.onFenced(reason),
      onEnd: (ending) => {
        onEnd(ending);
      },
    });
    const gate: JoinGate = { run: config.run, runId: disk.key.id, token: TOKEN, onStranger: () => undefined };
    const states: StateGate = {
      passes: disk.key.passes.verifier,
      generation: () => assembly.conductor.membership.generation,
    };
    const server = listen({ assembly, gate, states }, process, network);
    const life = createRunLife<Ending>({
      assembly,
      folder,
      server,
      closeOthers: () => Promise.resolve(),
      measure: () => ({
        recorded: async (how) => {
          await disk.writeResult(process, how);
          await link?.writeResult(how);
          return how;
        },
        unrecorded: (how) => Promise.resolve(how),
      }),
      leadership,
      log,
    });
    onEnd = life.onEnd;
    failRun = life.fail;
    // A failure has ended the run already.
    if (mode === 'new') ledger.append(record).catch(() => undefined);
    return { ...life, requestCheckpoint: () => undefined, address: addressOf(name), httpUrl: `http://${name}:2` };
  } catch (caught) {
    await folder.close();
    throw caught;
  }
}

function finished(): Coordinator<Ending> {
  return {
    address: '',
    httpUrl: '',
    done: Promise.resolve({ outcome: 'finished', message: 'the run was finished already' }),
    requestStop: () => undefined,
    requestHandOver: () => undefined,
    requestCheckpoint: () => undefined,
    close: () => Promise.resolve(),
    stepDown: () => Promise.resolve(),
  };
}

interface VirtualServer {
  drain(timeoutMs: number): Promise<void>;
  close(): void;
}

/** Serves workers. It drains as gRPC's server does: no new calls, and an end once the open ones are over. */
function listen(led: Led, process: Process, network: Network): VirtualServer {
  const endpoints = new Set<Endpoint>();
  let isOpen = true;
  const stopListening = network.listen(process, addressOf(process.name), (endpoint, request) => {
    if (!isOpen) {
      endpoint.close();
      return;
    }
    for (const known of endpoints) if (!known.isOpen) endpoints.delete(known);
    endpoints.add(endpoint);
    serve(led, process, { endpoint, request });
  });
  const refuse = (): void => {
    isOpen = false;
    stopListening();
  };
  const close = (): void => {
    refuse();
    for (const endpoint of endpoints) endpoint.close();
  };
  return {
    async drain(timeoutMs) {
      refuse();
      const deadlineMs = process.clock.now() + timeoutMs;
      while ([...endpoints].some(({ isOpen: isUsed }) => isUsed) && process.clock.now() < deadlineMs) {
        await pause(process.clock, DRAIN_LOOK_MS);
      }
      close();
    },
    close,
  };
}

interface Led {
  readonly assembly: RunAssembly;
  readonly gate: JoinGate;
  readonly states: StateGate;
}

function serve(
  { assembly: { term, conductor, checkpointer }, gate, states }: Led,
  { name, clock }: Process,
  { endpoint, request }: { readonly endpoint: Endpoint; readonly request: unknown },
): void {
  if (request === 'join') {
    new JoinSession({
      call: serverCall(endpoint, addressOf(name)),
      term,
      codeVersion: CODE_VERSION,
      gate,
      handler: conductor,
      clock,
    });
    return;
  }
  const asked = { ...(request as Extract<ExchangeRequest, { kind: 'state' }>), run: gate.run };
  const find = async (): Promise<StateSnapshot> => {
    requireMayPullState(states, asked);
    return checkpointer.stateOf(asked.step);
  };
  find().then(
    (state) => {
      handOut(endpoint, state);
    },
    () => {
      handOut(endpoint, undefined);
    },
  );
}
