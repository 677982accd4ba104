/**
 * One simulated run: starts broker, coordinator and workers, lets the faults of a schedule happen, and starts again whatever
 * died, as a supervisor would. It judges nothing; see verdict.ts.
 */
import type { Ending } from '@facet/coordinator/internal';
import { TrainingError, type LedgerRecord } from '@facet/shared';
import type { WorkerOutcome } from '@facet/worker/internal';
import { startBroker } from './broker-server.js';
import { Disk, type StoredCheckpoint } from './disk.js';
import type { Fault } from './fault-schedule.js';
import { Network } from './network.js';
import type { Trace } from './silent-sinks.js';
import { startCoordinator } from './simulated-coordinator.js';
import { startWorker, type SeenMembership, type SimulatedWorker } from './simulated-worker.js';
import type { TinyRun } from './tiny-run.js';
import { World, type Process } from './world.js';

/** After so much virtual time without an end, something waits forever. */
const DEADLINE_MS = 20 * 60_000;
/** A process that exits by itself is started again after so long. */
const RESTART_MS = 500;

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
  /** Workers that live on after the end of the run. */
  readonly leftOver: readonly string[];
  readonly virtualMs: number;
  readonly events: number;
  readonly faults: number;
  /** Micro-batches whose gradients were computed, by whomever. */
  readonly gradients: number;
  /** The last step of a worker when a bit of its weights was flipped. */
  readonly flippedAfter: number | undefined;
}

/** Runs to the end of the run and of every process, or until the deadline. */
export async function simulate(options: SimulationOptions): Promise<Observation> {
  return new Simulation(options).observe();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: World;
  readonly #network: Network;
  readonly #disk = new Disk();
  readonly #workers = new Map<string, SimulatedWorker>();
  readonly #leavers = new Set<string>();
  readonly #memberships: SeenMembership[] = [];
  readonly #crashes: string[] = [];
  #coordinator: Process | undefined;
  #broker: Process | undefined;
  #ending: Ending | undefined;
  #started = 0;
  #flippedAfter: number | undefined;
  /** Since the coordinator was started. */
  #wasFull = false;
  #faults = 0;
  #gradients = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#world = new World(options.seed);
    this.#network = new Network(this.#world);
  }

  async observe(): Promise<Observation> {
    this.#broker = startBroker(this.#network);
    this.#startCoordinator();
    for (let index = 0; index < this.#options.run.config.workers.count; index++) this.#startWorker();
    this.#await(this.#options.faults);
    await this.#world.run(DEADLINE_MS, () => this.#ending !== undefined && this.#workers.size === 0);
    return {
      records: this.#disk.records,
      checkpoint: this.#disk.checkpoint,
      ending: this.#ending,
      memberships: this.#memberships,
      crashes: this.#crashes,
      leftOver: [...this.#workers.keys()],
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
    this.#options.trace?.(
      `${this.#world.nowMs.toFixed(2).padStart(10)} fault ${this.#faults}: ${kind} ${worker?.process.name ?? ''} for ${durationMs.toFixed(1)} ms at event ${this.#world.events}`,
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
      case 'kill-coordinator':
        this.#coordinator?.kill();
        this.#startCoordinatorAfter(durationMs);
        break;
      case 'pause-coordinator':
        if (this.#coordinator !== undefined) this.#pause(this.#coordinator, durationMs);
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
        this.#flippedAfter ??= worker?.flipWeight();
        break;
      case 'fill-disk':
        this.#disk.fill();
        this.#wasFull = true;
        this.#world.schedule(durationMs, () => {
          this.#disk.free();
        });
        break;
      case 'cut-both-ways':
      case 'cut-one-way':
        this.#cut(fault);
        break;
      default:
        kind satisfies never;
    }
  }

  #cut({ kind, target, other, durationMs }: Fault): void {
    const names = ['coordinator', 'broker', ...this.#workers.keys()];
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

  #startCoordinator(): void {
    this.#wasFull = this.#disk.isFull;
    this.#coordinator = startCoordinator({
      run: this.#options.run,
      network: this.#network,
      disk: this.#disk,
      trace: this.#options.trace,
      onExit: (ending) => {
        if (this.#wasFull && !(ending instanceof TrainingError) && ending.outcome === 'failed') {
          // Somebody frees the disk and resumes.
          this.#startCoordinatorAfter(RESTART_MS);
        } else if (ending instanceof TrainingError) {
          if (!this.#wasFull) this.#noteCrash('coordinator', ending);
          this.#startCoordinatorAfter(RESTART_MS);
        } else {
          this.#ending = ending;
        }
      },
    });
  }

  #startCoordinatorAfter(delayMs: number): void {
    this.#world.schedule(delayMs, () => {
      if (this.#coordinator?.isDead === true) this.#startCoordinator();
    });
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
    // A process that finds nobody for long ends with this, and is right to.
    if (code === 'COORDINATOR_UNREACHABLE' || code === 'BROKER_UNREACHABLE') return;
    this.#crashes.push(`${name} ended with ${code}: ${message}`);
  }
}

function pick<T>(candidates: readonly T[], at: number): T | undefined {
  return candidates[Math.floor(at * candidates.length)];
}
