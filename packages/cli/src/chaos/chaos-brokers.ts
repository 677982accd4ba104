/**
 * The broker of a chaos run, or a cluster of them, whose servers are killed and started again. Addresses stay the same. A server
 * keeps its store if the run lives there; otherwise it comes back with an empty one, since the ledger is elsewhere.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../context.js';
import { randomLogins, urlWithLogin } from '../broker/broker-users.js';
import { startBroker, type BrokerCluster, type RunningBroker } from '../launch/broker-process.js';
import type { Child } from '../launch/child-process.js';
import { freePort } from '../launch/free-port.js';
import type { LinkEnds } from './tcp-proxy.js';

export interface ChaosBrokerOptions {
  readonly binary: string;
  readonly run: string;
  /** 1, or the servers of a cluster. */
  readonly count: number;
  readonly host: string;
  readonly keepsStore: boolean;
  /** For stores; removed with the launch. */
  readonly folder: string;
  readonly logs: string;
  readonly tlsFolder: string | undefined;
  readonly env: Environment;
  readonly onStarted: (child: Child) => void;
}

interface Server {
  readonly index: number;
  readonly port: number;
  readonly cluster: BrokerCluster | undefined;
  starts: number;
  running: RunningBroker | undefined;
}

export class ChaosBrokers {
  readonly #options: ChaosBrokerOptions;
  readonly #servers: readonly Server[];
  readonly #logins = randomLogins();

  private constructor(options: ChaosBrokerOptions, servers: readonly Server[]) {
    this.#options = options;
    this.#servers = servers;
  }

  /** Starts all servers. */
  static async open(options: ChaosBrokerOptions): Promise<ChaosBrokers> {
    const { count, host, run } = options;
    const ports: number[] = [];
    while (ports.length < 2 * count) {
      const port = await freePort(host);
      if (!ports.includes(port)) ports.push(port);
    }
    const own = ports.slice(count);
    const password = randomBytes(24).toString('hex');
    const servers = ports.slice(0, count).map((port, index): Server => {
      const shared = { name: run, serverName: `${run}-${index}`, port: own[index]!, ports: own, password };
      return { index, port, cluster: count === 1 ? undefined : shared, starts: 0, running: undefined };
    });
    const brokers = new ChaosBrokers(options, servers);
    for (const server of servers) await brokers.#start(server);
    return brokers;
  }

  /** Where the servers listen. */
  get ends(): readonly LinkEnds[] {
    return this.#servers.map(({ port }) => ({ host: this.#options.host, port }));
  }

  /** What a coordinator is told that reaches the servers at these ports. */
  natsFor(ports: readonly number[]): { readonly url: string; readonly workerUrl: string } {
    const { coordinator, worker } = this.#logins;
    const listed = (of: readonly number[]): string => this.placeAt(of);
    const withLogin = (urls: string, login: typeof worker): string =>
      urls
        .split(',')
        .map((url) => urlWithLogin(url, login))
        .join(',');
    return {
      url: withLogin(listed(ports), coordinator),
      workerUrl: withLogin(listed(this.#servers.map(({ port }) => port)), worker),
    };
  }

  /** The addresses without a login, as a store's place. */
  placeAt(ports: readonly number[]): string {
    return ports.map((port) => `nats://${this.#options.host}:${port}`).join(',');
  }

  /** Kills one server; `target` in [0, 1) says which. Returns what starts it again. */
  async kill(target: number): Promise<() => Promise<void>> {
    const server = this.#servers[Math.floor(target * this.#servers.length)]!;
    server.running?.process.kill();
    await server.running?.process.ended;
    return () => this.#start(server);
  }

  async #start(server: Server): Promise<void> {
    const { binary, folder: all, logs, keepsStore, tlsFolder, run, env, onStarted } = this.#options;
    server.starts += 1;
    const name = this.#servers.length === 1 ? 'broker' : `broker-${server.index}`;
    const folder = path.join(all, keepsStore ? name : `${name}-${server.starts}`);
    await mkdir(folder, { recursive: true });
    server.running = await startBroker(
      {
        binary,
        folder,
        logFile: path.join(logs, `${name}.log`),
        port: server.port,
        tlsFolder,
        users: { run, logins: this.#logins },
        cluster: server.cluster,
        env,
      },
      onStarted,
    );
  }
}
