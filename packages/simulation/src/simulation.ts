/**
 * One simulated run: starts broker, coordinator and workers, lets the faults of a schedule happen, and restarts dead processes
 * as a supervisor would. verdict.ts judges the run.
 */
import type { Ending } from '@facet/coordinator/internal';
import { TrainingError, type ErrorCode, type LedgerRecord } from '@facet/shared';
import type { WorkerOutcome } from '@facet/worker/internal';
import { BROKER, startBroker } from './broker-server.js';
import { Disk, type StoredCheckpoint } from './disk.js';
import type { Fault } from './fault-schedule.js';
import { Network } from './network.js';
import { SharedStore } from './shared-store.js';
import type { Trace } from './silent-sinks.js';
import { COORDINATORS, startCoordinator, type SimulatedCoordinator } from './simulated-coordinator.js';
import { startWorker, type SeenMembership, type SimulatedWorker } from './simulated-worker.js';
import type { TinyRun } from './tiny-run.js';
import { World, type Process } from './world.js';

/** If a run has not ended after this much virtual time, something waits forever. */
const DEADLINE_MS = 20 * 60_000;
/** Time until a process that exited by itself is started again. */
const RESTART_MS = 500;

/** Errors with which a process ends that finds no peer for long. */
const RIGHTFUL: readonly ErrorCode[] = ['COORDINATOR_UNREACHABLE', 'BROKER_UNREACHABLE'];
/** Errors with which a candidate ends: another one leads the run that it should begin, or a standby finds no run. */
const RIGHTFUL_OF_CANDIDATES: readonly ErrorCode[] = ['RUN_LOCKED', 'RUN_NOT_FOUND'];

export interface SimulationOptions {
  readonly run: TinyRun;
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly trace?: Trace | undefined;
}

/** What can be seen of a run from outside. */
export interface Observation {
  readonly records: readonly LedgerRecord[];
  readonly checkpoint: StoredCheckpoint | undefined;
  /** How the last coordinator ended; undefined when it never did. */
  readonly ending: Ending | undefined;
  /** In the order in which workers were told. */
  readonly memberships: readonly SeenMembership[];
  /** Errors with which processes ended, other than a peer's absence. */
  readonly crashes: readonly string[];
  /** Processes that live on after the end of the run. */
  readonly leftOver: readonly string[];
  readonly virtualMs: number;
  readonly events: number;
  readonly faults: number;
  /** Micro-batches whose gradients were computed, by whomever. */
  readonly gradients: number;
  /** The last step of a worker when a bit of its state was flipped. */
  readonly flippedAfter: number | undefined;
}

/** Runs to the end of the run and of every process, or until the deadline. */
export async function simulate(options: SimulationOptions): Promise<Observation> {
  return new Simulation(options).observe();
}

interface SupervisedCoordinator extends SimulatedCoordinator {
  /** The disk was full while it lived. */
  metFullDisk: boolean;
  /** It was told to leave the run to the next one. */
  isLeaving: boolean;
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: World;
  readonly #network: Network;
  /** One, or one for each coordinator where the run lives in a store. */
  readonly #disks = new Map<string, Disk>();
  readonly #store: SharedStore | undefined;
  readonly #workers = new Map<string, SimulatedWorker>();
  readonly #leavers = new Set<string>();
  readonly #memberships: SeenMembership[] = [];
  readonly #crashes: string[] = [];
  readonly #coordinators = new Map<string, SupervisedCoordinator>();
  /** On one host it is known that a process is dead. */
  readonly #isOneHost: boolean;
  readonly #processes = new Map<number, Process>();
  #broker: Process | undefined;
  #ending: Ending | undefined;
  #started = 0;
  #flippedAfter: number | undefined;
  #faults = 0;
  #gradients = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#world = new World(options.seed);
    this.#network = new Network(this.#world, BROKER);
    const { hasStandby, hasStore } = options.run;
    this.#isOneHost = hasStandby && !hasStore && this.#world.chance(0.5);
    this.#store = hasStore ? new SharedStore(this.#world) : undefined;
  }

  async observe(): Promise<Observation> {
    this.#broker = startBroker(this.#network);
    const { hasStandby } = this.#options.run;
    for (const name of hasStandby ? COORDINATORS : COORDINATORS.slice(0, 1)) this.#startCoordinator(name);
    for (let index = 0; index < this.#options.run.config.workers.count; index++) this.#startWorker();
    this.#await(this.#options.faults);
    await this.#world.run(DEADLINE_MS, () => {
      this.#checkLeaders();
      return this.#ending !== undefined && this.#workers.size === 0 && this.#livingCoordinators().length === 0;
    });
    return {
      records: this.#records,
      checkpoint: this.#store === undefined ? this.#diskOf('').checkpoint : this.#store.checkpoint,
      ending: this.#ending,
      memberships: this.#memberships,
      crashes: this.#crashes,
      leftOver: [...this.#workers.keys(), ...this.#livingCoordinators().map(({ process }) => process.name)],
      virtualMs: this.#world.nowMs,
      events: this.#world.events,
      faults: this.#faults,
      gradients: this.#gradients,
      flippedAfter: this.#flippedAfter,
    };
  }

  #await([fault, ...later]: readonly Fault[]): void {
    if (fault === undefined) return;
    this.#world.atEvent(this.#world.events + fault.afterEvents + 1, () => {
      // The run may be over: then there is nothing left to harm.
      if (this.#ending === undefined) this.#apply(fault);
      this.#await(later);
    });
  }

  #apply(fault: Fault): void {
    const { kind, durationMs } = fault;
    this.#faults += 1;
    const worker = pick([...this.#workers.values()], fault.target);
    const coordinator = pick(this.#livingCoordinators(), fault.target);
    this.#options.trace?.(
      `${this.#world.nowMs.toFixed(2).padStart(10)} fault ${this.#faults}: ${kind} ${(kind.endsWith('coordinator') ? coordinator : worker)?.process.name ?? ''} for ${durationMs.toFixed(1)} ms at event ${this.#world.events}`,
    );
    switch (kind) {
      case 'kill-worker':
        if (worker !== undefined) this.#killWorker(worker, durationMs);
        break;
      case 'pause-worker':
        if (worker !== undefined) this.#pause(worker.process, durationMs);
        break;
      case 'drain-worker':
        if (worker !== undefined) this.#drainWorker(worker, durationMs);
        break;
      case 'drain-all':
        for (const each of [...this.#workers.values()]) this.#drainWorker(each, durationMs);
        break;
      case 'hand-over-coordinator':
        if (coordinator === undefined) break;
        // It is started again when it has ended.
        coordinator.isLeaving = true;
        coordinator.handOver();
        break;
      case 'kill-coordinator':
        if (coordinator === undefined) break;
        coordinator.process.kill();
        // It starts again on a machine that has nothing of the run.
        if (this.#store !== undefined && fault.other < 0.5) this.#disks.delete(coordinator.process.name);
        this.#startCoordinatorAfter(coordinator.process.name, durationMs);
        break;
      case 'pause-coordinator':
        if (coordinator !== undefined) this.#pause(coordinator.process, durationMs);
        break;
      case 'kill-broker':
        this.#broker?.kill();
        this.#world.schedule(durationMs, () => {
          if (this.#broker?.isDead === true) this.#broker = startBroker(this.#network);
        });
        break;
      case 'damage-frame':
        if (worker !== undefined) this.#network.damageNextFrame(worker.process.name);
        break;
      case 'flip-weight':
        this.#flippedAfter ??= worker?.flipBit('weights');
        break;
      case 'flip-moment':
        this.#flippedAfter ??= worker?.flipBit(fault.other < 0.5 ? 'm' : 'v');
        break;
      case 'fill-disk':
        this.#fillDisks(fault);
        break;
      case 'cut-both-ways':
      case 'cut-one-way':
        this.#cut(fault);
        break;
      default:
        kind satisfies never;
    }
  }

  /** Full disks; or, where the run lives in a store, in half of the cases a store that does not answer for a while. */
  #fillDisks({ durationMs, other }: Fault): void {
    if (this.#store !== undefined && other < 0.5) {
      const store = this.#store;
      store.cutOff();
      this.#world.schedule(durationMs, () => {
        store.mend();
      });
      return;
    }
    const disks = [...this.#disks.values()];
    for (const disk of disks) disk.fill();
    for (const met of this.#livingCoordinators()) met.metFullDisk = true;
    this.#world.schedule(durationMs, () => {
      for (const disk of disks) disk.free();
    });
  }

  #cut({ kind, target, other, durationMs }: Fault): void {
    const names = [...this.#coordinators.keys(), BROKER, ...this.#workers.keys()];
    const from = pick(names, target);
    const to = pick(
      names.filter((name) => name !== from),
      other,
    );
    if (from === undefined || to === undefined) return;
    this.#options.trace?.(`           cut ${from} > ${to}`);
    const isBothWays = kind === 'cut-both-ways';
    this.#network.cut(from, to);
    if (isBothWays) this.#network.cut(to, from);
    this.#world.schedule(durationMs, () => {
      this.#network.heal(from, to);
      if (isBothWays) this.#network.heal(to, from);
    });
  }

  #pause(process: Process, durationMs: number): void {
    process.pause();
    this.#network.noteSilence();
    this.#world.schedule(durationMs, () => {
      process.resume();
    });
  }

  /** The run, from outside. */
  get #records(): readonly LedgerRecord[] {
    return this.#store === undefined ? this.#diskOf('').records : this.#store.records;
  }

  #diskOf(name: string): Disk {
    const key = this.#store === undefined ? '' : name;
    const disk = this.#disks.get(key) ?? new Disk();
    this.#disks.set(key, disk);
    return disk;
  }

  #livingCoordinators(): SupervisedCoordinator[] {
    return [...this.#coordinators.values()].filter(({ process }) => !process.isDead);
  }

  #startCoordinator(name: string, isAsked = false): void {
    const pid = this.#processes.size + 1;
    // A standby does not begin a run, and does not go on with one that has failed.
    const isBegun = this.#records.length > 0;
    const disk = this.#diskOf(name);
    const isAlone = this.#livingCoordinators().length === 0;
    const role = (isAsked && isAlone) || (!isBegun && name === COORDINATORS[0]) ? 'first' : 'standby';
    const started = startCoordinator({
      run: this.#options.run,
      network: this.#network,
      disk,
      store: this.#store,
      name,
      role,
      pid,
      isOneHost: this.#isOneHost,
      isDead: (other) => this.#processes.get(other)?.isDead === true,
      onExit: (ending) => {
        this.#onCoordinatorExit(supervised, ending);
      },
      trace: this.#options.trace,
    });
    const supervised = { ...started, metFullDisk: disk.isFull, isLeaving: false };
    this.#coordinators.set(name, supervised);
    this.#processes.set(pid, started.process);
  }

  #onCoordinatorExit(
    { process: { name }, metFullDisk, isLeaving }: SupervisedCoordinator,
    ending: Ending | TrainingError,
  ): void {
    const hasWaited = ending instanceof TrainingError && ending.code === 'CANCELLED';
    if (isLeaving && (hasWaited || (!(ending instanceof TrainingError) && ending.outcome === 'handed-over'))) {
      this.#startCoordinatorAfter(name, RESTART_MS);
    } else if (metFullDisk && !(ending instanceof TrainingError) && ending.outcome === 'failed') {
      // Somebody frees the disk and resumes.
      this.#startCoordinatorAfter(name, RESTART_MS, true);
    } else if (ending instanceof TrainingError) {
      if (!metFullDisk) this.#noteCrash(name, ending);
      this.#startCoordinatorAfter(name, RESTART_MS);
    } else {
      this.#ending ??= ending;
    }
  }

  #startCoordinatorAfter(name: string, delayMs: number, isAsked = false): void {
    this.#world.schedule(delayMs, () => {
      if (this.#ending === undefined && this.#coordinators.get(name)?.process.isDead === true)
        this.#startCoordinator(name, isAsked);
    });
  }

  /** Between any two events at most one believes that it leads. */
  #checkLeaders(): void {
    const leaders = this.#livingCoordinators().filter(({ isLeading }) => isLeading());
    if (leaders.length > 1)
      this.#crashes.push(`${leaders.map(({ process }) => process.name).join(' and ')} lead at once`);
  }

  #startWorker(): void {
    this.#started += 1;
    const name = `w${this.#started}`;
    const worker = startWorker({
      run: this.#options.run,
      network: this.#network,
      name,
      onMembership: (seen) => this.#memberships.push(seen),
      onGradient: () => (this.#gradients += 1),
      onExit: (outcome) => {
        this.#onWorkerExit(name, outcome);
      },
      trace: this.#options.trace,
    });
    this.#workers.set(name, worker);
  }

  #killWorker({ process }: SimulatedWorker, restartMs: number): void {
    process.kill();
    this.#workers.delete(process.name);
    this.#startWorkerAfter(restartMs);
  }

  #drainWorker(worker: SimulatedWorker, restartMs: number): void {
    worker.leave();
    this.#leavers.add(worker.process.name);
    this.#startWorkerAfter(restartMs);
  }

  #startWorkerAfter(delayMs: number): void {
    this.#world.schedule(delayMs, () => {
      if (this.#ending === undefined) this.#startWorker();
    });
  }

  #onWorkerExit(name: string, outcome: WorkerOutcome | TrainingError): void {
    this.#workers.delete(name);
    if (outcome instanceof TrainingError) this.#noteCrash(name, outcome);
    else if (outcome.outcome === 'refused') this.#noteRefusal(name, outcome.message ?? '');
    else if (outcome.outcome === 'left' && !this.#leavers.has(name)) this.#crashes.push(`${name} left unasked`);
    else if (outcome.outcome !== 'failed') return;
    this.#startWorkerAfter(RESTART_MS);
  }

  #noteRefusal(name: string, reason: string): void {
    // Whoever comes while the run ends is told so.
    if (!reason.startsWith('CANCELLED')) this.#crashes.push(`${name} was refused: ${reason}`);
  }

  #noteCrash(name: string, { code, message }: TrainingError): void {
    if (RIGHTFUL.includes(code) || (this.#options.run.hasStandby && RIGHTFUL_OF_CANDIDATES.includes(code))) return;
    this.#crashes.push(`${name} ended with ${code}: ${message}`);
  }
}

function pick<T>(candidates: readonly T[], at: number): T | undefined {
  return candidates[Math.floor(at * candidates.length)];
}
