/**
 * The links of one worker, each through a proxy of its own: to the coordinator, to the broker, and from its peers to the port where
 * they pull its values.
 */
import { freePort } from '../launch/free-port.js';
import { TcpProxy, type LinkEnds } from './tcp-proxy.js';

export type LinkName = 'coordinator' | 'broker' | 'peers';

export interface LinkTargets {
  readonly coordinator: LinkEnds;
  readonly broker: LinkEnds;
}

export class WorkerLinks implements AsyncDisposable {
  readonly #proxies: Readonly<Record<LinkName, TcpProxy>>;
  readonly #host: string;
  readonly #exchangePort: number;

  private constructor(proxies: Readonly<Record<LinkName, TcpProxy>>, exchange: LinkEnds) {
    this.#proxies = proxies;
    this.#host = exchange.host;
    this.#exchangePort = exchange.port;
  }

  static async open({ coordinator, broker }: LinkTargets): Promise<WorkerLinks> {
    const { host } = coordinator;
    const exchange = { host, port: await freePort(host) };
    const proxies = {
      coordinator: await TcpProxy.open(coordinator),
      broker: await TcpProxy.open(broker),
      peers: await TcpProxy.open(exchange),
    };
    return new WorkerLinks(proxies, exchange);
  }

  /** host:port at which the worker finds the coordinator. */
  get coordinator(): string {
    return `${this.#host}:${this.#proxies.coordinator.port}`;
  }

  /** How the worker is reached and reaches the broker, as flags of `facet worker`. */
  get route(): readonly string[] {
    const { broker, peers } = this.#proxies;
    const nats = `nats://${this.#host}:${broker.port}`;
    return ['--port', String(this.#exchangePort), '--advertise', `${this.#host}:${peers.port}`, '--nats', nats];
  }

  link(name: LinkName): TcpProxy {
    return this.#proxies[name];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of Object.values(this.#proxies)) await proxy[Symbol.asyncDispose]();
  }
}
