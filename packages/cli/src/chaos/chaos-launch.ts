/**
 * A real run whose processes are harmed while they train. A supervisor starts dead processes again and waits for the
 * coordinator's result. Addresses stay the same over restarts, so that surviving processes find the restarted ones.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunResult } from '@facet/coordinator';
import { makePrivateFolder, OPERATION_DEFAULTS, TrainingError } from '@facet/shared';
import { endsWithin, type Child } from '../launch/child-process.js';
import { ProcessGroup } from '../launch/process-group.js';
import { waitForAddress, workerSpec, type RunPlace } from '../launch/run-processes.js';
import { makeRunCertificates } from '../tls/run-certificates.js';
import { ChaosBrokers } from './chaos-brokers.js';
import { ChaosCoordinators } from './chaos-coordinators.js';
import { WorkerLinks, type LinkName } from './chaos-links.js';
import type { ChaosFault, ChaosKind } from './chaos-schedule.js';
import { pullLedger } from './stored-ledger.js';
import type { Direction } from './tcp-proxy.js';

/** For a worker that ended by itself. */
const RESTART_MS = 300;
/** How long a worker looks for its first coordinator. Later, `timeouts.gatherMs` of the run applies. */
const FIRST_PATIENCE_MS = OPERATION_DEFAULTS.timeouts.gatherMs;
const END_GRACE_MS = 15_000;
const POLL_MS = 25;
const HOST = '127.0.0.1';
/** Far more than any link has, far less than a heartbeat's deadline. */
const DELAY_MS = 150;
const BOTH = ['up', 'down'] as const;

const WITHOUT_WORKER: readonly ChaosKind[] = ['kill-coordinator', 'hand-over-coordinator', 'kill-broker', 'cut-broker'];

/** The harm to a link of a worker: which link, and the directions that are cut, or a delay. */
const LINK_HARMS = {
  'cut-worker': ['coordinator', BOTH],
  'mute-worker': ['coordinator', ['up']],
  'deafen-worker': ['coordinator', ['down']],
  'delay-worker': ['coordinator', 'late'],
  'cut-peers': ['peers', BOTH],
  'mute-peers': ['peers', ['down']],
  'delay-peers': ['peers', 'late'],
  'cut-shards': ['broker', BOTH],
} as const satisfies Partial<Record<ChaosKind, readonly [link: LinkName, held: readonly Direction[] | 'late']>>;

type LinkHarm = keyof typeof LINK_HARMS;

function harmsLink(kind: ChaosKind): kind is LinkHarm {
  return kind in LINK_HARMS;
}

/** How the run is set up. */
export interface ChaosSetup {
  /** TLS between all processes. */
  readonly isSecure: boolean;
  /** A second coordinator with another disk. */
  readonly hasStandby: boolean;
  /** The run lives in the broker too. */
  readonly isStored: boolean;
  /** Servers of the broker: 1, or a cluster. */
  readonly brokers: number;
}

export interface ChaosLaunchOptions {
  readonly place: RunPlace;
  readonly setup: ChaosSetup;
  readonly brokerBinary: string;
  /** Taken from as time passes; none is taken once `harmUntilMs` is over. */
  readonly faults: Iterator<ChaosFault, unknown>;
  /** By performance.now(). */
  readonly harmUntilMs: number;
  /** The run must have ended by then, by performance.now(). */
  readonly deadlineMs: number;
  /** Aborting ends every process at once. */
  readonly signal: AbortSignal;
  readonly onEvent: (text: string) => void;
}

export interface ChaosEnd {
  readonly result: RunResult | undefined;
  /** Of whoever ended the run. */
  readonly ledgerFile: string;
  /** As the store has it, where the run lives in one. */
  readonly storedLedger?: string | undefined;
  readonly faults: readonly ChaosFault[];
  /** One sentence each about processes that did not behave. */
  readonly violations: readonly string[];
  /** Every process that was started. */
  readonly pids: readonly number[];
}

/** Runs to the coordinator's result, or to the deadline; leaves no process behind. */
export async function launchUnderChaos(options: ChaosLaunchOptions): Promise<ChaosEnd> {
  const { place, setup, brokerBinary: binary, signal } = options;
  const { config, env, paths } = place;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-chaos-'));
  await makePrivateFolder(paths.logs);
  await using group = new ProcessGroup(folder, signal);
  await using certificates = setup.isSecure ? await certificatesIn(paths.tls) : undefined;
  const pids: number[] = [];
  const noted = (child: Child): Child => {
    if (child.pid !== undefined) pids.push(child.pid);
    return child;
  };
  const brokers = await ChaosBrokers.open({
    binary,
    run: config.run,
    count: setup.brokers,
    host: HOST,
    keepsStore: setup.isStored,
    folder,
    logs: paths.logs,
    tlsFolder: certificates?.folderOf('broker'),
    env,
    onStarted: (child) => {
      group.adopt('broker', noted(child));
    },
  });
  // Nothing may go around the links: processes of one machine have a shorter way to each other.
  const exchange = { ...config.exchange, transport: config.exchange.transport === 'grpc' ? 'grpc' : 'tcp' } as const;
  const harmed = { ...place, certificates, config: { ...config, exchange } };
  await using coordinators = await ChaosCoordinators.open({
    ...setup,
    place: harmed,
    brokers,
    host: HOST,
    folder,
    start: (spec) => noted(group.start('coordinator', spec)),
  });
  const end = await new ChaosLaunch({ ...options, place: harmed }, { group, brokers, coordinators, noted }).run();
  const tlsFolder = certificates?.folderOf('coordinator');
  const storedLedger =
    setup.isStored && end.result !== undefined ? await pullLedger(harmed, { brokers, tlsFolder }) : undefined;
  return { ...end, storedLedger, pids };
}

function certificatesIn(folder: string): ReturnType<typeof makeRunCertificates> {
  return makeRunCertificates({
    folder,
    hosts: [HOST],
    onTrouble: (message) => {
      process.emitWarning(message);
    },
  });
}

interface ChaosMachine {
  readonly group: ProcessGroup;
  readonly brokers: ChaosBrokers;
  readonly coordinators: ChaosCoordinators;
  /** Remembers a process. */
  readonly noted: (child: Child) => Child;
}

class ChaosLaunch {
  readonly #options: ChaosLaunchOptions;
  readonly #machine: ChaosMachine;
  readonly #workers = new Set<Child>();
  /** How long the place of a killed worker stays empty. */
  readonly #emptyMs = new WeakMap<Child, number>();
  readonly #links = new Map<Child, WorkerLinks>();
  readonly #applied: ChaosFault[] = [];
  readonly #violations: string[] = [];
  #workersStarted = 0;
  #isOver = false;

  constructor(options: ChaosLaunchOptions, machine: ChaosMachine) {
    this.#options = options;
    this.#machine = machine;
  }

  async run(): Promise<Omit<ChaosEnd, 'pids' | 'storedLedger'>> {
    const { place, signal } = this.#options;
    const { coordinators } = this.#machine;
    try {
      const first = await coordinators.startFirst();
      await waitForAddress(first, place.paths, signal);
      await coordinators.startOthers();
      for (let index = 0; index < place.config.workers.count; index++) await this.#startWorker();
      const [end] = await Promise.all([this.#waitForResult(), this.#harm()]);
      await this.#checkWorkersEnd();
      const { result, ledgerFile = place.paths.ledger } = end ?? {};
      return { result, ledgerFile, faults: this.#applied, violations: this.#violations };
    } finally {
      // No process is started again, and waits for time to pass end at once.
      this.#isOver = true;
      for (const links of this.#links.values()) await links[Symbol.asyncDispose]();
    }
  }

  async #harm(): Promise<void> {
    const { faults, harmUntilMs } = this.#options;
    for (let next = faults.next(); next.done !== true; next = faults.next()) {
      const fault = next.value;
      if (performance.now() + fault.afterMs > harmUntilMs) return;
      await this.#pass(fault.afterMs);
      if (this.#isOver) return;
      await this.#apply(fault);
    }
  }

  async #apply(fault: ChaosFault): Promise<void> {
    const { kind, target, durationMs } = fault;
    const worker = [...this.#workers][Math.floor(target * this.#workers.size)];
    const victim = WITHOUT_WORKER.includes(kind) ? '' : ` ${worker?.name ?? 'none'}`;
    this.#applied.push(fault);
    this.#options.onEvent(`${kind}${victim} for ${Math.round(durationMs)} ms`);
    if (harmsLink(kind)) {
      if (worker !== undefined) await this.#harmLink(worker, kind, durationMs);
      return;
    }
    switch (kind) {
      case 'kill-worker':
        if (worker === undefined) break;
        this.#emptyMs.set(worker, durationMs);
        worker.kill();
        break;
      case 'stop-worker':
        worker?.signal('SIGSTOP');
        await this.#pass(durationMs);
        worker?.signal('SIGCONT');
        break;
      case 'leave-worker':
        if (worker === undefined) break;
        this.#emptyMs.set(worker, durationMs);
        worker.signal('SIGTERM');
        break;
      case 'cut-broker': {
        const links = this.#machine.coordinators.linksOf(target);
        for (const link of links) link.hold(...BOTH);
        await this.#pass(durationMs);
        for (const link of links) link.heal();
        break;
      }
      case 'kill-coordinator':
      case 'hand-over-coordinator': {
        const way = kind === 'kill-coordinator' ? 'kill' : 'hand-over';
        const restart = await this.#machine.coordinators.end(target, way);
        await this.#pass(durationMs);
        await restart();
        break;
      }
      case 'kill-broker': {
        const restart = await this.#machine.brokers.kill(target);
        await this.#pass(durationMs);
        await restart();
        break;
      }
      default:
        kind satisfies never;
    }
  }

  async #harmLink(worker: Child, kind: LinkHarm, durationMs: number): Promise<void> {
    const [name, held] = LINK_HARMS[kind];
    const links = this.#links.get(worker);
    if (held === 'late') links?.delay(name, DELAY_MS);
    else links?.hold(name, ...held);
    await this.#pass(durationMs);
    links?.heal(name);
  }

  /** Lets time pass; not longer than the run. */
  async #pass(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    while (!this.#isOver && performance.now() < untilMs) await delay(POLL_MS);
  }

  async #startWorker(): Promise<void> {
    const { group, brokers, coordinators, noted } = this.#machine;
    const { place } = this.#options;
    const links = await WorkerLinks.open(HOST, { coordinators: coordinators.ends, brokers: brokers.ends });
    if (this.#isOver) {
      await links[Symbol.asyncDispose]();
      return;
    }
    const { coordinator, route } = links;
    const spec = workerSpec(place, { index: this.#workersStarted, coordinator, route });
    const child = noted(group.start('worker', spec));
    this.#workersStarted += 1;
    this.#workers.add(child);
    this.#links.set(child, links);
    void child.ended.then(async () => {
      this.#workers.delete(child);
      this.#links.delete(child);
      await links[Symbol.asyncDispose]();
      await this.#pass(this.#emptyMs.get(child) ?? RESTART_MS);
      if (!this.#isOver) await this.#startWorker();
    });
  }

  /** Waits for the end of the run or for its deadline. No process is harmed after that. */
  async #waitForResult(): Promise<{ readonly result: RunResult; readonly ledgerFile: string } | undefined> {
    const { deadlineMs, signal } = this.#options;
    try {
      while (!this.#machine.coordinators.areOver) {
        if (signal.aborted) throw new TrainingError('CANCELLED', 'stopped by a signal');
        // Whoever was to start the coordinator again has failed, and says so.
        if (this.#isOver) return undefined;
        if (performance.now() > deadlineMs) {
          this.#violations.push('the run has not ended by its deadline: something waits forever, or it is too slow');
          return undefined;
        }
        await delay(POLL_MS);
      }
    } finally {
      this.#isOver = true;
    }
    const end = await this.#machine.coordinators.ended();
    if (end === undefined) this.#violations.push('the coordinator ended by itself without a result; see its log');
    return end;
  }

  /** Workers that were told of the end must go by themselves; one that slept through it finds nobody and goes too. */
  async #checkWorkersEnd(): Promise<void> {
    const limitMs = Math.max(FIRST_PATIENCE_MS, this.#options.place.config.timeouts.gatherMs) + END_GRACE_MS;
    const ends = [...this.#workers].map(async (worker) => {
      if (await endsWithin(worker, limitMs)) return;
      this.#violations.push(`${worker.name} (pid ${worker.pid}) did not end within ${limitMs} ms of the run`);
    });
    await Promise.all(ends);
  }
}
