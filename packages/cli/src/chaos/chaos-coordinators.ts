/**
 * The coordinators of a chaos run: one, or a leader and a standby that have no disk in common. One that was killed is started again,
 * beside another as its standby.
 */
import { copyFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { RunResult } from '@facet/coordinator';
import { makePrivateFolder } from '@facet/shared';
import type { Child, ChildSpec } from '../launch/child-process.js';
import { freePort } from '../launch/free-port.js';
import { coordinatorSpec, resultFile, type CoordinatorRole, type RunPlace } from '../launch/run-processes.js';
import { ensureToken, tokenFile } from '../launch/run-token.js';
import { runPaths } from '../runs/run-folders.js';
import { readResult } from '../runs/run-result.js';
import type { ChaosBrokers } from './chaos-brokers.js';
import { TcpProxy, type LinkEnds } from './tcp-proxy.js';

/** Kept with the run, for whoever looks for a fault. */
const OTHER_DISK = 'other-disk';

export interface ChaosCoordinatorOptions {
  readonly place: RunPlace;
  readonly brokers: Pick<ChaosBrokers, 'ends' | 'placeAt' | 'natsFor'>;
  readonly host: string;
  readonly hasStandby: boolean;
  /** The run lives in the broker, beside the folders. */
  readonly isStored: boolean;
  /** For configurations and results; removed with the launch. */
  readonly folder: string;
  readonly start: (spec: ChildSpec) => Child;
}

/** A machine with a coordinator. */
interface Seat {
  readonly index: number;
  readonly place: RunPlace;
  readonly port: number;
  /** For its configuration and its result. */
  readonly folder: string;
  /** To every server of the broker. */
  readonly links: readonly TcpProxy[];
  role: CoordinatorRole;
  child: Child | undefined;
  isKilled: boolean;
}

export class ChaosCoordinators implements AsyncDisposable {
  readonly #options: ChaosCoordinatorOptions;
  readonly #seats: readonly Seat[];

  private constructor(options: ChaosCoordinatorOptions, seats: readonly Seat[]) {
    this.#options = options;
    this.#seats = seats;
  }

  /** Starts nothing yet. */
  static async open(options: ChaosCoordinatorOptions): Promise<ChaosCoordinators> {
    const { place, brokers, host, hasStandby, isStored } = options;
    const seats: Seat[] = [];
    await ensureToken(place.paths, place.env);
    for (let index = 0; index < (hasStandby ? 2 : 1); index++) {
      const folder = path.join(options.folder, `coordinator-${index}`);
      await makePrivateFolder(folder);
      const links: TcpProxy[] = [];
      for (const end of brokers.ends) links.push(await TcpProxy.open(end));
      const port = await freePort(host);
      const { config } = place;
      const own = { ...config, coordinator: { ...config.coordinator, host, port } };
      const store = isStored ? { store: brokers.placeAt(links.map((link) => link.port)) } : {};
      const at = index === 0 ? place : { ...place, ...(await otherDisk(place)) };
      seats.push({
        index,
        place: { ...at, config: own, ...store },
        port,
        folder,
        links,
        role: index === 0 ? 'coordinator' : 'standby',
        child: undefined,
        isKilled: false,
      });
    }
    return new ChaosCoordinators(options, seats);
  }

  /** Where workers find them. */
  get ends(): readonly LinkEnds[] {
    return this.#seats.map(({ port }) => ({ host: this.#options.host, port }));
  }

  /** The one that begins the run. */
  startFirst(): Promise<Child> {
    return this.#start(this.#seats[0]!);
  }

  /** The others, which stand by. */
  async startOthers(): Promise<void> {
    for (const seat of this.#seats.slice(1)) await this.#start(seat);
  }

  /**
   * Kills one, or asks it to leave the run to the next one; `target` in [0, 1) says which. Returns what starts it again, if the
   * run has not ended.
   */
  async end(target: number, way: 'kill' | 'hand-over'): Promise<() => Promise<void>> {
    const seat = this.#pick(target);
    seat.isKilled = true;
    if (way === 'kill') seat.child?.kill();
    else seat.child?.signal('SIGTERM');
    await seat.child?.ended;
    return async () => {
      // One that had written its result had nothing left to do.
      if ((await this.ended()) === undefined) await this.#start(seat);
      seat.isKilled = false;
    };
  }

  /** The links of one to the broker. */
  linksOf(target: number): readonly TcpProxy[] {
    return this.#pick(target).links;
  }

  /** The result of the run and the folder of the coordinator that ended it; undefined while there is none. */
  async ended(): Promise<{ readonly result: RunResult; readonly ledgerFile: string } | undefined> {
    for (const { folder, place } of this.#seats) {
      for (const role of ['coordinator', 'standby'] as const) {
        const result = await readResult(resultFile(folder, role));
        if (result === undefined) continue;
        const { checkpoint } = result;
        // A standby repeats the result of whoever ended the run.
        const ender = this.#seats.find(
          (seat) => checkpoint !== undefined && path.dirname(checkpoint) === seat.place.paths.checkpoints,
        );
        return { result, ledgerFile: (ender?.place ?? place).paths.ledger };
      }
    }
    return undefined;
  }

  /** True when all have ended by themselves. */
  get areOver(): boolean {
    return this.#seats.every(({ child, isKilled }) => !isKilled && child?.end() !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { links } of this.#seats) for (const link of links) await link[Symbol.asyncDispose]();
  }

  #pick(target: number): Seat {
    return this.#seats[Math.floor(target * this.#seats.length)]!;
  }

  async #start(seat: Seat): Promise<Child> {
    const { brokers, hasStandby, start } = this.#options;
    const { place, folder, links, port, index } = seat;
    const hasBegun = await hasContent(place.paths.ledger);
    // Beside another one, whoever was killed may not lead at once.
    if (hasStandby && hasBegun) seat.role = 'standby';
    const spec = await coordinatorSpec(place, {
      role: seat.role,
      mode: hasBegun ? 'resume' : 'new',
      nats: { ...place.config.nats, ...brokers.natsFor(links.map((link) => link.port)) },
      // One that starts while the broker is down waits for it, as on a cluster.
      isOwnBroker: false,
      folder,
      ports: { port, httpPort: 0 },
    });
    const name = hasStandby ? `coordinator-${index}` : 'coordinator';
    seat.child = start({ ...spec, name, logFile: path.join(this.#options.place.paths.logs, `${name}.log`) });
    return seat.child;
  }
}

/** A folder of runs of its own, with the run's token, as it is copied to every machine. */
async function otherDisk(place: RunPlace): Promise<Pick<RunPlace, 'paths'>> {
  const paths = runPaths(path.join(place.paths.folder, OTHER_DISK), place.config.run);
  await makePrivateFolder(path.dirname(paths.folder));
  await makePrivateFolder(paths.folder);
  await makePrivateFolder(paths.logs);
  await copyFile(tokenFile(place.paths), tokenFile(paths));
  return { paths };
}

async function hasContent(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && found.size > 0;
}
