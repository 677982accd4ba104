/**
 * Events of one source for any number of listeners. Numbered events stand in a ring, so that a listener that comes back gets
 * what it missed; one that missed more gets a snapshot. Every event is made into text once, whoever listens. A listener that
 * does not read is cut: nothing waits for it, and what is kept for it is bounded. Without listeners an event costs a place in
 * the ring.
 */

/** One who listens: a response that stays open. */
export interface Listener {
  write(text: string): void;
  /** Bytes, about, that it has not taken yet. */
  unsent(): number;
  /** Ends the connection at once. */
  cut(): void;
}

export interface EventHubOptions {
  /** Everything up to now, as JSON, and the id of the last event in it. */
  readonly snapshot: () => { readonly id: string; readonly json: string };
  /** What is told once per second; undefined if there is nothing. */
  readonly status: () => unknown;
  readonly limits?: Partial<HubLimits>;
}

export interface HubLimits {
  /** Numbered events that are kept for those who come back. */
  readonly kept: number;
  /** Listeners at a time. */
  readonly listeners: number;
  /** Bytes that a listener may be behind, beside the snapshot that it began with. */
  readonly unsentBytes: number;
  /** A listener that is behind for this long is cut. */
  readonly behindMs: number;
}

const DEFAULT_LIMITS: HubLimits = { kept: 2_048, listeners: 32, unsentBytes: 1 << 20, behindMs: 15_000 };
const STATUS_MS = 1_000;
/** How often a listener hears something at least, which tells it and everything in between that the connection lives. */
const ALIVE_MS = 5_000;

interface Kept {
  readonly id: string;
  readonly value: unknown;
}

interface Attached {
  allowed: number;
  /** Milliseconds since it had taken everything. */
  behindMs: number;
}

export class EventHub {
  readonly #options: EventHubOptions;
  readonly #limits: HubLimits;
  readonly #kept: Kept[] = [];
  /** Place of the oldest in `kept`, once it is full. */
  #oldest = 0;
  readonly #listeners = new Map<Listener, Attached>();
  #timer: NodeJS.Timeout | undefined;
  #elapsedMs = 0;
  #snapshot: { readonly id: string; readonly text: string } | undefined;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Whether no further one may listen. */
  get isFull(): boolean {
    return this.#listeners.size >= this.#limits.listeners;
  }

  /** Keeps the next event and tells it to all who listen. */
  publish(id: string, value: unknown): void {
    if (this.#kept.length < this.#limits.kept) this.#kept.push({ id, value });
    else {
      this.#kept[this.#oldest] = { id, value };
      this.#oldest = (this.#oldest + 1) % this.#limits.kept;
    }
    this.#snapshot = undefined;
    if (this.#listeners.size > 0) this.#tell(itemFrame({ id, value }));
  }

  /**
   * Tells a listener what it missed, and from now on everything.
   *
   * @param after id of the last event that it has heard
   */
  attach(listener: Listener, after: string | undefined): void {
    const attached: Attached = { allowed: this.#limits.unsentBytes, behindMs: 0 };
    this.#listeners.set(listener, attached);
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, STATUS_MS).unref();
    const missed = after === undefined ? undefined : this.#since(after);
    if (missed === undefined) this.#sendSnapshot(listener, attached);
    else this.#begin(listener, attached, missed.map(itemFrame).join(''));
    const status = this.#statusFrame();
    if (status !== '') this.#send(listener, attached, status);
  }

  /** Forgets a listener whose connection has ended. */
  detach(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Cuts all. */
  close(): void {
    for (const listener of [...this.#listeners.keys()]) this.#cut(listener);
  }

  /** The events after one; undefined if that one is not known any more. */
  #since(id: string): readonly Kept[] | undefined {
    const events = [...this.#kept.slice(this.#oldest), ...this.#kept.slice(0, this.#oldest)];
    const place = events.findLastIndex((event) => event.id === id);
    return place < 0 ? undefined : events.slice(place + 1);
  }

  #sendSnapshot(listener: Listener, attached: Attached): void {
    if (this.#snapshot === undefined) {
      const { id, json } = this.#options.snapshot();
      this.#snapshot = { id, text: frame('snapshot', json, id) };
    }
    this.#begin(listener, attached, this.#snapshot.text);
  }

  /** Sends what a listener begins with, which may be long. */
  #begin(listener: Listener, attached: Attached, text: string): void {
    attached.allowed = this.#limits.unsentBytes + Buffer.byteLength(text);
    this.#send(listener, attached, text);
  }

  #tell(text: string): void {
    for (const [listener, attached] of this.#listeners) this.#send(listener, attached, text);
  }

  #send(listener: Listener, { allowed }: Attached, text: string): void {
    listener.write(text);
    if (listener.unsent() > allowed) this.#cut(listener);
  }

  #cut(listener: Listener): void {
    this.detach(listener);
    listener.cut();
  }

  #tick(): void {
    this.#elapsedMs += STATUS_MS;
    for (const [listener, attached] of this.#listeners) {
      attached.behindMs = listener.unsent() > 0 ? attached.behindMs + STATUS_MS : 0;
      if (attached.behindMs > this.#limits.behindMs) this.#cut(listener);
    }
    const alive = this.#elapsedMs % ALIVE_MS === 0 ? frame('alive', '1') : '';
    const text = this.#statusFrame() + alive;
    if (text !== '') this.#tell(text);
  }

  #statusFrame(): string {
    try {
      const status = this.#options.status();
      return status === undefined ? '' : frame('status', JSON.stringify(status));
    } catch {
      // A run does not fail because of who watches it.
      return '';
    }
  }
}

function itemFrame({ id, value }: Kept): string {
  return frame('item', JSON.stringify(value), id);
}

/** One event as text/event-stream; JSON has no line breaks. */
function frame(event: string, json: string, id?: string): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`;
}
