/**
 * A real run whose processes are harmed while they train. A supervisor starts dead processes again and waits for the
 * coordinator's result. Addresses stay the same over restarts, so that surviving processes find the restarted ones.
 */
import { mkdir, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunResult } from '@facet/coordinator';
import { makePrivateFolder, TrainingError } from '@facet/shared';
import { randomLogins, urlWithLogin } from '../broker/broker-users.js';
import { startBroker, type RunningBroker } from '../launch/broker-process.js';
import { endsWithin, type Child } from '../launch/child-process.js';
import { freePort } from '../launch/free-port.js';
import { ProcessGroup } from '../launch/process-group.js';
import { coordinatorSpec, resultFile, waitForAddress, workerSpec, type RunPlace } from '../launch/run-processes.js';
import { readResult } from '../runs/run-result.js';
import { WorkerLinks, type LinkName } from './chaos-links.js';
import type { ChaosFault, ChaosKind } from './chaos-schedule.js';
import { TcpProxy, type Direction } from './tcp-proxy.js';

/** For a worker that ended by itself. */
const RESTART_MS = 300;
/** How long a worker looks for its first coordinator. Later, `timeouts.gatherMs` of the run applies. */
const FIRST_PATIENCE_MS = 30_000;
const END_GRACE_MS = 15_000;
const POLL_MS = 25;
const HOST = '127.0.0.1';
/** Far more than any link has, far less than a heartbeat's deadline. */
const DELAY_MS = 150;
const BOTH = ['up', 'down'] as const;

const WITHOUT_WORKER: readonly ChaosKind[] = ['kill-coordinator', 'kill-broker', 'cut-broker'];

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

export interface ChaosLaunchOptions {
  readonly place: RunPlace;
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
  readonly faults: readonly ChaosFault[];
  /** One sentence each about processes that did not behave. */
  readonly violations: readonly string[];
  /** Every process that was started. */
  readonly pids: readonly number[];
}

/** Runs to the coordinator's result, or to the deadline; leaves no process behind. */
export async function launchUnderChaos(options: ChaosLaunchOptions): Promise<ChaosEnd> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-chaos-'));
  await makePrivateFolder(options.place.paths.logs);
  await using group = new ProcessGroup(folder, options.signal);
  const ports = { broker: await freePort(HOST), coordinator: await freePort(HOST) };
  await using publisherLink = await TcpProxy.open({ host: HOST, port: ports.broker });
  const launch = new ChaosLaunch(options, { folder, group, ports, publisherLink });
  return await launch.run();
}

interface ChaosMachine {
  readonly folder: string;
  readonly group: ProcessGroup;
  readonly ports: { readonly broker: number; readonly coordinator: number };
  /** Between the coordinator and the broker. */
  readonly publisherLink: TcpProxy;
}

class ChaosLaunch {
  readonly #options: ChaosLaunchOptions;
  readonly #machine: ChaosMachine;
  readonly #place: RunPlace;
  readonly #workers = new Set<Child>();
  /** How long the place of a killed worker stays empty. */
  readonly #emptyMs = new WeakMap<Child, number>();
  readonly #links = new Map<Child, WorkerLinks>();
  readonly #applied: ChaosFault[] = [];
  readonly #violations: string[] = [];
  readonly #pids: number[] = [];
  readonly #logins = randomLogins();
  #broker: RunningBroker | undefined;
  #brokers = 0;
  #coordinator: Child | undefined;
  #workersStarted = 0;
  #isKilling = false;
  #isOver = false;

  constructor(options: ChaosLaunchOptions, machine: ChaosMachine) {
    this.#options = options;
    this.#machine = machine;
    const { config } = options.place;
    const coordinator = { ...config.coordinator, host: HOST, port: machine.ports.coordinator };
    // Nothing may go around the links: processes of one machine have a shorter way to each other.
    const exchange = { ...config.exchange, transport: config.exchange.transport === 'grpc' ? 'grpc' : 'tcp' } as const;
    this.#place = { ...options.place, config: { ...config, coordinator, exchange } };
  }

  async run(): Promise<ChaosEnd> {
    try {
      await this.#startBroker();
      const coordinator = await this.#startCoordinator();
      await waitForAddress(coordinator, this.#place.paths, this.#options.signal);
      for (let index = 0; index < this.#place.config.workers.count; index++) await this.#startWorker();
      const [result] = await Promise.all([this.#waitForResult(), this.#harm()]);
      await this.#checkWorkersEnd();
      return { result, faults: this.#applied, violations: this.#violations, pids: this.#pids };
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
      case 'cut-broker':
        this.#machine.publisherLink.hold(...BOTH);
        await this.#pass(durationMs);
        this.#machine.publisherLink.heal();
        break;
      case 'kill-coordinator':
        this.#isKilling = true;
        this.#coordinator?.kill();
        await this.#coordinator?.ended;
        await this.#pass(durationMs);
        // One that had written its result had nothing left to do.
        if ((await readResult(resultFile(this.#machine.folder, 'coordinator'))) === undefined)
          await this.#startCoordinator();
        this.#isKilling = false;
        break;
      case 'kill-broker':
        this.#broker?.process.kill();
        await this.#broker?.process.ended;
        await this.#pass(durationMs);
        await this.#startBroker();
        break;
      default:
        kind satisfies never;
    }
  }

  async #harmLink(worker: Child, kind: LinkHarm, durationMs: number): Promise<void> {
    const [name, held] = LINK_HARMS[kind];
    const link = this.#links.get(worker)?.link(name);
    if (held === 'late') link?.delay(DELAY_MS);
    else link?.hold(...held);
    await this.#pass(durationMs);
    link?.heal();
  }

  /** Lets time pass; not longer than the run. */
  async #pass(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    while (!this.#isOver && performance.now() < untilMs) await delay(POLL_MS);
  }

  async #startBroker(): Promise<void> {
    this.#brokers += 1;
    // The new broker has a folder of its own, so the store of the old one is lost.
    const folder = path.join(this.#machine.folder, `broker-${this.#brokers}`);
    await mkdir(folder);
    const { brokerBinary: binary, place } = this.#options;
    const logFile = path.join(place.paths.logs, 'broker.log');
    this.#broker = await startBroker(
      {
        binary,
        folder,
        logFile,
        port: this.#machine.ports.broker,
        env: place.env,
        users: { run: place.config.run, logins: this.#logins },
      },
      (child) => {
        this.#machine.group.adopt('broker', child);
        this.#note(child);
      },
    );
  }

  async #startCoordinator(): Promise<Child> {
    const { folder, group, publisherLink } = this.#machine;
    const hasBegun = await hasContent(this.#place.paths.ledger);
    const spec = await coordinatorSpec(this.#place, {
      role: 'coordinator',
      mode: hasBegun ? 'resume' : 'new',
      nats: {
        url: urlWithLogin(`nats://${HOST}:${publisherLink.port}`, this.#logins.coordinator),
        workerUrl: urlWithLogin(`nats://${HOST}:${this.#machine.ports.broker}`, this.#logins.worker),
      },
      isOwnBroker: true,
      folder,
    });
    const child = group.start('coordinator', spec);
    this.#note(child);
    this.#coordinator = child;
    return child;
  }

  async #startWorker(): Promise<void> {
    const { group, ports } = this.#machine;
    const links = await WorkerLinks.open({
      coordinator: { host: HOST, port: ports.coordinator },
      broker: { host: HOST, port: ports.broker },
    });
    if (this.#isOver) {
      await links[Symbol.asyncDispose]();
      return;
    }
    const { coordinator, route } = links;
    const child = group.start('worker', workerSpec(this.#place, { index: this.#workersStarted, coordinator, route }));
    this.#workersStarted += 1;
    this.#note(child);
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

  #note({ pid }: Child): void {
    if (pid !== undefined) this.#pids.push(pid);
  }

  /** Waits for the end of the run or for its deadline. No process is harmed after that. */
  async #waitForResult(): Promise<RunResult | undefined> {
    const { deadlineMs, signal } = this.#options;
    try {
      while (!this.#hasEnded()) {
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
    const result = await readResult(resultFile(this.#machine.folder, 'coordinator'));
    if (result === undefined) this.#violations.push('the coordinator ended by itself without a result; see its log');
    return result;
  }

  #hasEnded(): boolean {
    return !this.#isKilling && this.#coordinator?.end() !== undefined;
  }

  /** Workers that were told of the end must go by themselves; one that slept through it finds nobody and goes too. */
  async #checkWorkersEnd(): Promise<void> {
    const limitMs = Math.max(FIRST_PATIENCE_MS, this.#place.config.timeouts.gatherMs) + END_GRACE_MS;
    const ends = [...this.#workers].map(async (worker) => {
      if (await endsWithin(worker, limitMs)) return;
      this.#violations.push(`${worker.name} (pid ${worker.pid}) did not end within ${limitMs} ms of the run`);
    });
    await Promise.all(ends);
  }
}

async function hasContent(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && found.size > 0;
}
