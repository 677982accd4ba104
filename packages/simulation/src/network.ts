/**
 * Virtual TCP: connections between processes that deliver in order or break. A cut direction holds what is under way until
 * it heals; a side whose peer does not answer pings breaks the connection. Nothing here knows what the messages mean.
 */
import type { Process, World } from './world.js';

const LEAST_LATENCY_MS = 0.05;
const MOST_LATENCY_MS = 2;
/** One of so many messages takes as long as a lost packet. */
const SLOW_SHARE = 0.02;
const SLOW_LATENCY_MS = 60;
/** In some worlds one process is farther away than the others. */
const FAR_SHARE = 0.3;
const FAR_LATENCY_MS = { least: 2, most: 10 };
/** As CHANNEL_OPTIONS of gRPC: a ping after 2 s, given up after 6 s more. */
const KEEPALIVE_MS = 8_000;

/** One side of a connection. */
export interface Endpoint {
  readonly isOpen: boolean;
  send(message: unknown): void;
  /** Ends the connection for both sides; this side hears nothing of it. */
  close(): void;
  onMessage: (message: unknown) => void;
  /** Called once when the connection ends before this side closes it. */
  onClosed: (reason: string) => void;
}

type Accept = (endpoint: Endpoint, request: unknown) => void;

interface Listener {
  readonly process: Process;
  readonly accept: Accept;
}

export class Network {
  readonly world: World;
  readonly #listeners = new Map<string, Listener>();
  readonly #connections = new Set<Connection>();
  readonly #cuts = new Map<string, number>();
  readonly #damaged = new Set<string>();

  readonly #far: { readonly name: string; readonly latencyMs: number };

  /** @param far the process that is far away in some worlds */
  constructor(world: World, far: string) {
    this.world = world;
    const latencyMs = world.between(FAR_LATENCY_MS.least, FAR_LATENCY_MS.most);
    this.#far = { name: far, latencyMs: world.chance(FAR_SHARE) ? latencyMs : 0 };
  }

  /** How long a message of a process takes longer than others because of how far it goes. */
  extraLatencyMs(from: string, to: string): number {
    return from === this.#far.name || to === this.#far.name ? this.#far.latencyMs : 0;
  }

  /** Accepts connections at an address until the process dies or calls the returned function. */
  listen(process: Process, address: string, accept: Accept): () => void {
    const listener = { process, accept };
    this.#listeners.set(address, listener);
    const close = (): void => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
    };
    process.onDeath(close);
    return close;
  }

  /**
   * Opens a connection with a first message. It opens at once on this side, as a gRPC call does; a peer that is not there
   * ends it.
   */
  connect(process: Process, address: string, request: unknown): Endpoint {
    const listener = this.#listeners.get(address);
    const connection = new Connection(this, process, listener?.process);
    this.#connections.add(connection);
    this.#watch(process);
    if (listener === undefined) {
      connection.refuse();
    } else {
      this.#watch(listener.process);
      connection.open((endpoint) => {
        listener.accept(endpoint, request);
      });
    }
    return connection.near;
  }

  /** Stops everything that goes from one process to another. */
  cut(from: string, to: string): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
    for (const connection of this.#connections) connection.checkPeer();
  }

  heal(from: string, to: string): void {
    const key = `${from}>${to}`;
    const left = (this.#cuts.get(key) ?? 0) - 1;
    if (left > 0) this.#cuts.set(key, left);
    else this.#cuts.delete(key);
    for (const connection of this.#connections) connection.flush();
  }

  /** One bit of the next frame that a process sends is flipped, as a bad cable or memory may do. */
  damageNextFrame(from: string): void {
    this.#damaged.add(from);
  }

  /** A frame as it arrives. */
  carryFrame(from: string, frame: Buffer): Buffer {
    const carried = Buffer.from(frame);
    if (!this.#damaged.delete(from)) return carried;
    const { random } = this.world;
    carried[random.nextBelow(carried.length)]! ^= 1 << random.nextBelow(8);
    return carried;
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** To be called when a process is paused: its peers' pings find no answer. */
  noteSilence(): void {
    for (const connection of this.#connections) connection.checkPeer();
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  readonly #watched = new WeakSet<Process>();

  #watch(process: Process): void {
    if (this.#watched.has(process)) return;
    this.#watched.add(process);
    process.onDeath(() => {
      for (const connection of [...this.#connections]) connection.sideDied(process);
    });
  }
}

type Packet =
  { readonly kind: 'message'; readonly message: unknown } | { readonly kind: 'end'; readonly reason: string };

/** One direction of a connection. */
interface Direction {
  readonly from: Side;
  readonly to: Side;
  lastAtMs: number;
  /** Sent and not arrived, in order. */
  underWay: Packet[];
  /** Arrivals that a cut prevented. */
  missed: number;
}

class Side implements Endpoint {
  readonly process: Process;
  isOpen = true;
  onMessage: (message: unknown) => void = () => undefined;
  onClosed: (reason: string) => void = () => undefined;
  connection: Connection | undefined;
  isWatchingPeer = false;

  constructor(process: Process) {
    this.process = process;
  }

  send(message: unknown): void {
    if (this.isOpen && !this.process.isDead) this.connection?.transmit(this, { kind: 'message', message });
  }

  close(): void {
    if (!this.isOpen || this.process.isDead) return;
    this.isOpen = false;
    this.connection?.transmit(this, { kind: 'end', reason: 'the peer closed the connection' });
  }
}

class Connection {
  readonly near: Side;
  readonly #far: Side | undefined;
  readonly #network: Network;
  readonly #directions: readonly Direction[];

  constructor(network: Network, near: Process, far: Process | undefined) {
    this.#network = network;
    this.near = new Side(near);
    this.near.connection = this;
    this.#far = far === undefined ? undefined : new Side(far);
    if (this.#far !== undefined) this.#far.connection = this;
    const direction = (from: Side, to: Side): Direction => ({ from, to, lastAtMs: 0, underWay: [], missed: 0 });
    this.#directions =
      this.#far === undefined ? [] : [direction(this.near, this.#far), direction(this.#far, this.near)];
  }

  refuse(): void {
    this.#network.world.schedule(this.#latencyMs(0), () => {
      this.#end(this.near, 'connection refused');
    });
  }

  open(accept: (endpoint: Endpoint) => void): void {
    const far = this.#far;
    if (far === undefined) return;
    const original = far.onMessage;
    // The first packet of the connection is the request.
    far.onMessage = () => {
      far.onMessage = original;
      accept(far);
    };
    this.transmit(this.near, { kind: 'message', message: undefined });
    this.checkPeer();
  }

  transmit(from: Side, packet: Packet): void {
    const direction = this.#directions.find((candidate) => candidate.from === from);
    if (direction === undefined) return;
    direction.underWay.push(packet);
    this.#scheduleArrival(direction);
  }

  flush(): void {
    for (const direction of this.#directions) {
      if (this.#isCut(direction)) continue;
      const { missed } = direction;
      direction.missed = 0;
      for (let arrival = 0; arrival < missed; arrival++) this.#scheduleArrival(direction);
    }
  }

  /** The kernel of a dead process tells its peers, when it can reach them. */
  sideDied(process: Process): void {
    for (const direction of this.#directions) {
      if (direction.from.process !== process || !direction.from.isOpen) continue;
      direction.from.isOpen = false;
      // A reset overtakes what the peer has not read yet.
      const kept = this.#network.world.random.nextBelow(direction.underWay.length + 1);
      direction.underWay.splice(kept);
      this.transmit(direction.from, { kind: 'end', reason: 'the peer died' });
    }
  }

  /** Begins to count when pings cannot be answered. */
  checkPeer(): void {
    for (const { from: side, to: peer } of this.#directions) {
      if (side.isWatchingPeer || !side.isOpen || !this.#isSilent(peer)) continue;
      side.isWatchingPeer = true;
      const { pauses } = peer.process;
      this.#network.world.schedule(KEEPALIVE_MS, () => {
        side.isWatchingPeer = false;
        if (!this.#isSilent(peer)) return;
        // A cut that ended and began again is a new silence in reality; here it counts on, which is only stricter.
        if (peer.process.pauses === pauses) this.#breakOff(side);
        else this.checkPeer();
      });
    }
  }

  #breakOff(side: Side): void {
    if (!side.isOpen || side.process.isDead) return;
    const peer = side === this.near ? this.#far : this.near;
    this.#end(side, 'keepalive: no answer from the peer');
    if (peer !== undefined) this.transmit(side, { kind: 'end', reason: 'the peer gave the connection up' });
  }

  #isSilent(peer: Side): boolean {
    return peer.process.isPaused || this.#directions.some((direction) => this.#isCut(direction));
  }

  #isCut({ from, to }: Direction): boolean {
    return this.#network.isCut(from.process.name, to.process.name);
  }

  #scheduleArrival(direction: Direction): void {
    const { world } = this.#network;
    const { from, to } = direction;
    const extraMs = this.#network.extraLatencyMs(from.process.name, to.process.name);
    direction.lastAtMs = Math.max(direction.lastAtMs, world.nowMs + this.#latencyMs(extraMs));
    world.schedule(direction.lastAtMs - world.nowMs, () => {
      if (this.#isCut(direction)) direction.missed += 1;
      else this.#arrive(direction.to, direction.underWay.shift());
    });
  }

  #arrive(to: Side, packet: Packet | undefined): void {
    if (packet?.kind === 'end') {
      this.#end(to, packet.reason);
    } else if (packet !== undefined) {
      to.process.receive(() => {
        if (to.isOpen) to.onMessage(packet.message);
      });
    }
  }

  #end(side: Side, reason: string): void {
    side.process.receive(() => {
      if (!side.isOpen) return;
      side.isOpen = false;
      if (!this.near.isOpen && this.#far?.isOpen !== true) this.#network.forget(this);
      side.onClosed(reason);
    });
  }

  #latencyMs(extraMs: number): number {
    const { world } = this.#network;
    const slow = world.chance(SLOW_SHARE) ? SLOW_LATENCY_MS : 0;
    return world.between(LEAST_LATENCY_MS, MOST_LATENCY_MS) + slow + extraMs;
  }
}
