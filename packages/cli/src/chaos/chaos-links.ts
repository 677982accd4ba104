/**
 * The links of one worker, each through a proxy of its own: to the coordinators, to the servers of the broker, and from its peers to
 * the port where they pull its values.
 */
import { freePort } from '../launch/free-port.js';
import { TcpProxy, type Direction, type LinkEnds } from './tcp-proxy.js';

export type LinkName = 'coordinator' | 'broker' | 'peers';

export interface LinkTargets {
  /** All that may lead. */
  readonly coordinators: readonly LinkEnds[];
  /** All servers of the cluster. */
  readonly brokers: readonly LinkEnds[];
}

export class WorkerLinks implements AsyncDisposable {
  readonly #proxies: Readonly<Record<LinkName, readonly TcpProxy[]>>;
  readonly #host: string;
  readonly #exchangePort: number;

  private constructor(proxies: Readonly<Record<LinkName, readonly TcpProxy[]>>, exchange: LinkEnds) {
    this.#proxies = proxies;
    this.#host = exchange.host;
    this.#exchangePort = exchange.port;
  }

  /** @param host where the worker listens */
  static async open(host: string, { coordinators, brokers }: LinkTargets): Promise<WorkerLinks> {
    const exchange = { host, port: await freePort(host) };
    const proxies = {
      coordinator: await openAll(coordinators),
      broker: await openAll(brokers),
      peers: await openAll([exchange]),
    };
    return new WorkerLinks(proxies, exchange);
  }

  /** host:port at which the worker finds the coordinators. */
  get coordinator(): string {
    return this.#addresses('coordinator').join(',');
  }

  /** How the worker is reached and reaches the broker, as flags of `facet worker`. */
  get route(): readonly string[] {
    const nats = this.#addresses('broker').map((address) => `nats://${address}`);
    const [peers = ''] = this.#addresses('peers');
    return ['--port', String(this.#exchangePort), '--advertise', peers, '--nats', nats.join(',')];
  }

  hold(name: LinkName, ...directions: readonly Direction[]): void {
    for (const proxy of this.#proxies[name]) proxy.hold(...directions);
  }

  delay(name: LinkName, ms: number): void {
    for (const proxy of this.#proxies[name]) proxy.delay(ms);
  }

  heal(name: LinkName): void {
    for (const proxy of this.#proxies[name]) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of Object.values(this.#proxies).flat()) await proxy[Symbol.asyncDispose]();
  }

  #addresses(name: LinkName): string[] {
    return this.#proxies[name].map(({ port }) => `${this.#host}:${port}`);
  }
}

async function openAll(ends: readonly LinkEnds[]): Promise<TcpProxy[]> {
  const proxies: TcpProxy[] = [];
  for (const end of ends) proxies.push(await TcpProxy.open(end));
  return proxies;
}
