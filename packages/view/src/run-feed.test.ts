import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RunHistory, type HistoryItem, type HistoryState, type HistoryView } from '@facet/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RunFeed } from './run-feed.js';

const AT = '2026-11-30T07:00:00.000Z';
const RUN: HistoryItem = {
  ...{ kind: 'run', run: 'r', dataset: 'mnist', trainSamples: 640, globalBatch: 64, epochs: 3, seed: 1, at: AT },
};

function itemOf(kind: string, step: number): HistoryItem {
  switch (kind) {
    case 'fault':
      return { kind, generation: 1, step, code: 'PEER_UNAVAILABLE', message: 'a worker is gone', at: AT };
    case 'evaluation':
      return { kind, step, epoch: 0, split: 'test', accuracy: 1 / step, loss: step, at: AT };
    case 'replay':
      return { kind, step, seconds: 0.1, at: AT };
    default:
      return {
        kind: 'step',
        step,
        epoch: 0,
        generation: 1,
        samples: 64,
        loss: 1 / step,
        seconds: 0.1,
        correct: 3,
        at: AT,
      };
  }
}

const items = fc
  .array(fc.constantFrom('step', 'step', 'step', 'fault', 'evaluation', 'replay'), { minLength: 1, maxLength: 120 })
  .map((kinds) => [RUN, ...kinds.map((kind, index) => itemOf(kind, index + 1))]);

/** What a page makes of a stream: as the page itself does. */
class Page {
  history = new RunHistory();
  lastId: string | undefined;

  take(text: string): void {
    for (const block of text.split('\n\n')) {
      const [, event] = /^event: (.*)$/m.exec(block) ?? [];
      const [, id] = /^id: (.*)$/m.exec(block) ?? [];
      const [, data = ''] = /^data: (.*)$/m.exec(block) ?? [];
      if (event === 'snapshot') this.history = RunHistory.from(JSON.parse(data) as HistoryState);
      if (event === 'item') this.history.add(JSON.parse(data) as HistoryItem);
      if (id !== undefined) this.lastId = id;
    }
  }
}

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

async function serve(feed: RunFeed): Promise<string> {
  server = createServer((request, response) => {
    feed.stream(request, response);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
}

/** One whole visit of a page: hears what there is and goes away. */
function visit(feed: RunFeed, page: Page): Promise<void> {
  return new Promise((resolve) => {
    const response = {
      writableLength: 0,
      writeHead: () => undefined,
      write: (text: string) => {
        page.take(text);
      },
      once: (_event: string, close: () => void) => {
        close();
        resolve();
      },
    };
    const request = { headers: {}, url: page.lastId === undefined ? '/events' : `/events?after=${page.lastId}` };
    feed.stream(request as unknown as IncomingMessage, response as never);
  });
}

function wholeView(all: readonly HistoryItem[]): HistoryView {
  const history = new RunHistory();
  for (const item of all) history.add(item);
  // As it comes over the wire.
  return JSON.parse(JSON.stringify(history.view())) as HistoryView;
}

describe('what a page knows of a run', () => {
  it('is the whole history, whenever it came, went and came back (property)', async () => {
    const visits = fc.array(fc.nat(120), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(items, visits, fc.integer({ min: 1, max: 40 }), async (all, moments, kept) => {
        const feed = new RunFeed({ kept });
        const page = new Page();
        for (const [index, item] of all.entries()) {
          if (moments.includes(index)) await visit(feed, page);
          feed.addItem(item);
        }
        await visit(feed, page);
        expect(JSON.parse(JSON.stringify(page.history.view()))).toEqual(wholeView(all));
        expect(feed.listeners).toBe(0);
      }),
    );
  });

  it('goes on with another coordinator of the same run, which has read the ledger', async () => {
    const all = [RUN, ...Array.from({ length: 30 }, (_, index) => itemOf('step', index + 1))];
    const [before, after] = [new RunFeed(), new RunFeed()];
    const page = new Page();
    for (const item of all.slice(0, 20)) before.addItem(item);
    await visit(before, page);
    for (const item of all) after.addItem(item);
    const firstId = page.lastId;
    await visit(after, page);
    expect(firstId!.replace(/\d+$/, '31')).toBe(page.lastId);
    expect(JSON.parse(JSON.stringify(page.history.view()))).toEqual(wholeView(all));
  });

  it('begins anew when another run has the address', async () => {
    const [before, after] = [new RunFeed(), new RunFeed()];
    const page = new Page();
    for (const item of [RUN, itemOf('step', 1)]) before.addItem(item);
    await visit(before, page);
    const other = { ...RUN, run: 'other', at: '2026-11-30T08:00:00.000Z' } as HistoryItem;
    for (const item of [other, itemOf('fault', 1)]) after.addItem(item);
    await visit(after, page);
    expect(page.history.view()).toMatchObject({ run: { run: 'other' }, lastStep: 0 });
  });
});

describe('the stream of a run', () => {
  it('is what a browser expects, and takes up after the id that a browser says', async () => {
    const feed = new RunFeed();
    for (const item of [RUN, itemOf('step', 1), itemOf('step', 2)]) feed.addItem(item);
    const url = await serve(feed);
    const page = new Page();
    await visit(feed, page);
    feed.addItem(itemOf('step', 3));
    const response = await fetch(url, { headers: { 'last-event-id': page.lastId! } });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    expect(value).toMatch(/^event: item\nid: .*\.4\ndata: {"kind":"step","step":3,.*}\n\n$/);
    await reader.cancel();
  });

  it('is refused to more pages than may listen', async () => {
    const feed = new RunFeed({ listeners: 1 });
    const url = await serve(feed);
    const first = await fetch(url);
    expect((await fetch(url)).status).toBe(503);
    await first.body!.cancel();
  });

  it('ends for a client that does not read, which costs the others nothing', async () => {
    const feed = new RunFeed({ unsentBytes: 100_000 });
    const url = await serve(feed);
    const stalled = await new Promise<IncomingMessage>((resolve) => get(url, resolve));
    stalled.pause();
    const ended = new Promise((resolve) => stalled.once('close', resolve));
    const message = 'x'.repeat(100_000);
    // Until what the system keeps between the two is full.
    for (let turn = 0; turn < 1_000 && feed.listeners > 0; turn++) {
      feed.addItem({ kind: 'fault', generation: 1, step: 1, code: 'INTERNAL', message, at: AT });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(feed.listeners).toBe(0);
    stalled.on('error', () => undefined);
    stalled.resume();
    await ended;
  });
});
