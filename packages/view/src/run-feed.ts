/**
 * The history of a run for pages that are open now or come later. It is fed with every record of the ledger, in order; an
 * event's id is the record's number in the ledger, so that another coordinator of the run goes on where this one ended.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { historyItem, RunHistory, type HistoryItem, type HistoryView, type LedgerRecord } from '@facet/shared';
import { EventHub, type HubLimits, type Listener } from './event-hub.js';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

export class RunFeed {
  readonly #hub: EventHub;
  readonly #history = new RunHistory();
  #records = 0;
  /** Tells one run from another one at the same address. */
  #era = '0';
  #readStatus: () => unknown = () => undefined;

  constructor(limits: Partial<HubLimits> = {}) {
    this.#hub = new EventHub({
      snapshot: () => ({ id: this.#id(), json: JSON.stringify(this.#history.state()) }),
      status: () => this.#readStatus(),
      limits,
    });
  }

  /** Pages are told the state of the run once per second from now on: the same as /status. */
  tellStatus(read: () => unknown): void {
    this.#readStatus = read;
  }

  /** How many pages listen. */
  get listeners(): number {
    return this.#hub.listeners;
  }

  /** Takes in the next record of the ledger. Never throws: a run does not fail because of who watches it. */
  add(record: LedgerRecord): void {
    try {
      this.addItem(historyItem(record));
    } catch {
      // A page that misses an item begins anew with the next snapshot.
    }
  }

  addItem(item: HistoryItem): void {
    if (item.kind === 'run') this.#era = Date.parse(item.at).toString(36);
    this.#records += 1;
    this.#history.add(item);
    this.#hub.publish(this.#id(), item);
  }

  view(): HistoryView {
    return this.#history.view();
  }

  /** Answers with a stream of events that begins after the one that the client names, or with a snapshot. */
  stream(request: IncomingMessage, response: ServerResponse): void {
    if (this.#hub.isFull) {
      response.writeHead(503, { 'content-type': 'text/plain' }).end('too many pages listen; close one\n');
      return;
    }
    const listener: Listener = {
      write: (text) => response.write(text),
      unsent: () => response.writableLength,
      cut: () => response.destroy(),
    };
    // Node sends the headers with the first write.
    response.writeHead(200, STREAM_HEADERS);
    this.#hub.attach(listener, lastEventId(request));
    response.once('close', () => {
      this.#hub.detach(listener);
    });
  }

  close(): void {
    this.#hub.close();
  }

  #id(): string {
    return `${this.#era}.${this.#records}`;
  }
}

/** What a browser says when it connects again, or what our page says when it does so itself. */
function lastEventId({ headers, url = '' }: IncomingMessage): string | undefined {
  const header = headers['last-event-id'];
  if (typeof header === 'string') return header;
  return new URLSearchParams(url.split('?', 2)[1]).get('after') ?? undefined;
}
