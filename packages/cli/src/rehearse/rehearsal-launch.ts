/**
 * The processes of one rehearsal: a broker, a coordinator and a standby as `facet up` starts them, and workers that compute nothing
 * in a few processes. Whatever happens, none of them is left behind.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makePrivateFolder, readToken, TrainingError, type RunConfig } from '@facet/shared';
import { startBroker } from '../launch/broker-process.js';
import type { Child } from '../launch/child-process.js';
import { freePort } from '../launch/free-port.js';
import { childFailure } from '../launch/log-tail.js';
import { ProcessGroup } from '../launch/process-group.js';
import { coordinatorSpec, waitForAddress, type CoordinatorRole, type RunPlace } from '../launch/run-processes.js';
import { tokenFile } from '../launch/run-token.js';
import { readAddressFile } from '../runs/address-file.js';
import { runPaths } from '../runs/run-folders.js';
import { Crew } from './crew.js';
import type { JoinOrder, ToCrew } from './crew-messages.js';
import { RehearsalHub } from './rehearsal-hub.js';

export interface RehearsalLaunchOptions {
  readonly config: RunConfig;
  readonly brokerBinary: string;
  readonly env: NodeJS.ProcessEnv;
  readonly codeVersion: string;
  /** Workers of each process. */
  readonly crewSizes: readonly number[];
  readonly workMs: number;
  readonly signal: AbortSignal;
}

const HOST = '127.0.0.1';
const POLL_MS = 20;
const PATIENCE_MS = 120_000;

export class RehearsalLaunch implements AsyncDisposable {
  readonly #options: RehearsalLaunchOptions;
  readonly #place: RunPlace;
  readonly #group: ProcessGroup;
  readonly #folder: string;
  readonly #nats: RunConfig['nats'];
  readonly #crews: Crew[];
  readonly hub: RehearsalHub;
  #coordinators: readonly { readonly child: Child; readonly address: string }[] = [];

  private constructor(options: RehearsalLaunchOptions, parts: LaunchParts) {
    this.#options = options;
    this.#place = parts.place;
    this.#group = parts.group;
    this.#folder = parts.folder;
    this.#nats = parts.nats;
    this.hub = new RehearsalHub({
      now: () => performance.now(),
      go: (place) => {
        this.#tellAll({ kind: 'go', ...place });
      },
    });
    this.#crews = options.crewSizes.map(() => this.#newCrew());
  }

  /** Starts everything; no worker has said Hello yet. */
  static async open(options: RehearsalLaunchOptions): Promise<RehearsalLaunch> {
    const { config, brokerBinary: binary, env, signal } = options;
    const folder = await mkdtemp(path.join(tmpdir(), 'facet-rehearsal-'));
    const paths = runPaths(path.join(folder, 'runs'), config.run);
    const group = new ProcessGroup(folder, signal);
    let launch: RehearsalLaunch | undefined;
    try {
      await makePrivateFolder(path.dirname(paths.folder));
      await makePrivateFolder(paths.folder);
      await makePrivateFolder(paths.logs);
      const logFile = path.join(paths.logs, 'broker.log');
      const { url } = await startBroker({ binary, folder: path.join(folder, 'nats'), logFile, env }, (child) => {
        group.adopt('broker', child);
      });
      launch = new RehearsalLaunch(options, {
        place: { config, paths, env },
        group,
        folder,
        nats: { ...config.nats, url },
      });
      await launch.#startCoordinators();
      await launch.#loadCrews();
      return launch;
    } catch (caught) {
      await launch?.[Symbol.asyncDispose]();
      await group[Symbol.asyncDispose]();
      throw caught;
    }
  }

  /** Processes of workers that were not killed. */
  get crews(): readonly Crew[] {
    return this.#crews;
  }

  get paths(): RunPlace['paths'] {
    return this.#place.paths;
  }

  /** The process that leads now. */
  get leader(): Child | undefined {
    return this.#coordinators.find(({ child }) => child.end() === undefined)?.child;
  }

  /** Lets all workers say Hello; returns when that was. */
  async join(): Promise<number> {
    const order = await this.#orderToJoin();
    const atMs = performance.now();
    for (const [index, crew] of this.#crews.entries()) {
      const size = this.#options.crewSizes[index]!;
      crew.tell({ ...order, size, name: `rehearsal-${index}`, measuresMessages: index === 0 });
    }
    return atMs;
  }

  /** As many new workers join a run as were killed; returns when they said Hello. */
  async joinAgain(): Promise<number> {
    const { crewSizes } = this.#options;
    const crew = this.#newCrew();
    this.#crews.push(crew);
    await this.#loadCrews();
    const order = await this.#orderToJoin();
    crew.tell({ ...order, size: crewSizes.at(-1)!, name: 'rehearsal-again', measuresMessages: false });
    return performance.now();
  }

  /** The text of the metrics of whoever leads. */
  async metrics(): Promise<string> {
    const { httpUrl = '' } = (await readAddressFile(this.#place.paths.address)) ?? {};
    return (await fetch(new URL('/metrics', httpUrl))).text();
  }

  /** Kills the last process of workers, which holds a tenth of them; the others hear of it as from a socket that closes. */
  async killCrew(): Promise<void> {
    await this.#crews.pop()!.kill();
    this.#tellAll({ kind: 'lost', reason: 'a peer is gone: its socket closed' });
  }

  /** Kills whoever leads, where a standby is there. */
  async killLeader(): Promise<void> {
    const { leader } = this;
    leader?.kill();
    await leader?.ended;
  }

  /**
   * Waits until something is so.
   *
   * @throws TrainingError with the end of the coordinator's log when the coordinator ends before, or it takes too long.
   */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const { signal } = this.#options;
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (signal.aborted) throw new TrainingError('CANCELLED', 'stopped by a signal');
      if (this.hub.trouble !== undefined) throw new TrainingError('INTERNAL', `a worker gave up: ${this.hub.trouble}`);
      const leader = this.leader;
      const last = this.#coordinators.at(-1)?.child;
      if (leader === undefined && last !== undefined) throw await childFailure(last);
      if (performance.now() > deadlineMs) {
        const cause = leader === undefined ? undefined : await childFailure(leader);
        const told = cause === undefined ? '' : `; ${cause.message}`;
        throw new TrainingError('INTERNAL', `waited ${PATIENCE_MS} ms for ${what}${told}`);
      }
      await delay(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#crews.map((crew) => crew[Symbol.asyncDispose]()));
    await this.#group[Symbol.asyncDispose]();
  }

  #tellAll(message: ToCrew): void {
    for (const crew of this.#crews) crew.tell(message);
  }

  #newCrew(): Crew {
    return new Crew(this.#options.env, (message) => {
      this.hub.hear(message);
    });
  }

  async #loadCrews(): Promise<void> {
    let isDone = false;
    void Promise.all(this.#crews.map((crew) => crew.loaded)).then(() => (isDone = true));
    await this.until('the processes of workers to load', () => isDone);
  }

  async #orderToJoin(): Promise<Omit<JoinOrder, 'size' | 'name' | 'measuresMessages'> & { readonly kind: 'join' }> {
    const { codeVersion, workMs } = this.#options;
    const token = (await readToken(tokenFile(this.#place.paths))).reveal();
    const coordinatorAddresses = this.#coordinators.map(({ address }) => address);
    const { config } = this.#place;
    const broker = { run: config.run, url: this.#nats.url };
    return { kind: 'join', coordinatorAddresses, broker, token, codeVersion, workMs };
  }

  async #startCoordinators(): Promise<void> {
    const first = await this.#startCoordinator('coordinator');
    const stated = await waitForAddress(first.child, this.#place.paths, this.#options.signal);
    if (stated === undefined) throw await childFailure(first.child);
    this.#coordinators = [first, await this.#startCoordinator('standby')];
  }

  async #startCoordinator(role: CoordinatorRole): Promise<{ readonly child: Child; readonly address: string }> {
    const port = await freePort(HOST);
    const folder = path.join(this.#folder, role);
    await makePrivateFolder(folder);
    const { config } = this.#place;
    const place = { ...this.#place, config: { ...config, coordinator: { ...config.coordinator, host: HOST, port } } };
    const ports = { port, httpPort: 0 };
    const spec = await coordinatorSpec(place, {
      ...{ role, mode: 'new', nats: this.#nats, isOwnBroker: true, folder, ports },
    });
    return { child: this.#group.start('coordinator', spec), address: `${HOST}:${port}` };
  }
}

interface LaunchParts {
  readonly place: RunPlace;
  readonly group: ProcessGroup;
  readonly folder: string;
  readonly nats: RunConfig['nats'];
}
