/**
 * A link that can be harmed: a TCP proxy to a target, whose directions can be held. Held data waits, as on a network that is
 * cut. Neither side is told, not even of a connection that ended meanwhile. Bytes are never lost from the middle of a stream,
 * because TCP excludes that.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `up` is from whoever connects to the target. */
export type Direction = 'up' | 'down';

export interface LinkEnds {
  readonly host: string;
  /** Port of the target. */
  readonly port: number;
}

/** One direction of one connection. */
interface Line {
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
  /** What was read is written in order, each after its delay. */
  last: Promise<void>;
}

export class TcpProxy implements AsyncDisposable {
  readonly #target: LinkEnds;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #held = new Set<Direction>();
  /** Lines whose sender is gone while nobody could be told. */
  readonly #ended = new Set<Line>();
  #delayMs = 0;

  private constructor(target: LinkEnds) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (near) => {
      this.#accept(near);
    });
  }

  /** Listens on any free port of the target's host. */
  static async open(target: LinkEnds): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(0, target.host, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets nothing through any more. */
  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.add(direction);
    for (const { direction, from } of this.#lines) if (this.#held.has(direction)) from.pause();
  }

  /** Everything that is read from now on arrives so much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** The link is sound again: what was held arrives. */
  heal(): void {
    this.#held.clear();
    this.#delayMs = 0;
    for (const { from } of this.#lines) from.resume();
    for (const line of this.#ended) this.#end(line);
    this.#ended.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { from } of this.#lines) from.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #accept(near: Socket): void {
    const far = connect({ ...this.#target, noDelay: true });
    this.#join('up', near, far);
    this.#join('down', far, near);
  }

  #join(direction: Direction, from: Socket, to: Socket): void {
    const line: Line = { direction, from, to, last: Promise.resolve() };
    this.#lines.add(line);
    from.on('data', (chunk) => {
      const dueMs = performance.now() + this.#delayMs;
      line.last = line.last.then(async () => {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        if (!to.destroyed) to.write(chunk);
      });
    });
    // How it ended is of no interest: both ends see it as an end.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#lines.delete(line);
      if (this.#held.has(direction)) this.#ended.add(line);
      else this.#end(line);
    });
    if (this.#held.has(direction)) from.pause();
  }

  #end({ last, to }: Line): void {
    void last.then(() => to.end());
  }
}
