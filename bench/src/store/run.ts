/** The stores of runs as a coordinator uses them: through the same port, with content that is made as it is read. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore, type Content, type RunStore } from '@facet/storage';
import { findBroker, startBroker } from 'facet-train/internal';
import type { BenchContext, Run } from '../bench.js';
import { quantile, round } from '../figures.js';
import type { Latency, StoreFigures, StoreOptions, StoreRow } from './definition.js';

const MB = 1 << 20;
const SIZES = [5, 50, 500];
/** Of a commit of 64 samples. */
const RECORD_BYTES = 600;
const NANOSECONDS_PER_MS = 1e6;
const MICROSECONDS = 1e6;

export const runStore: Run<StoreOptions, StoreRow, StoreFigures, Record<string, number>> = async (
  { most, appends, place },
  context,
) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-bench-store-'));
  const found = await findBroker({ env: process.env });
  if (!found.ok) throw new Error('no nats-server was found; npm test installs one');
  const broker = await startBroker(
    { binary: found.broker.path, folder, logFile: path.join(folder, 'broker.log'), env: process.env },
    () => undefined,
  );
  try {
    const places = { folder: path.join(folder, 'runs'), nats: broker.url, ...(place && { [schemeOf(place)]: place }) };
    const rows: StoreRow[] = [];
    const [append, appendBesideUpload]: [Record<string, Latency>, Record<string, Latency>] = [{}, {}];
    for (const [store, at] of Object.entries(places)) {
      await using opened = await openStore(at, { env: process.env });
      const run = `bench-${randomBytes(4).toString('hex')}`;
      try {
        await using target = await opened.open(run);
        for (const mb of SIZES.filter((size) => size <= most))
          rows.push(await transfer(target, { store, mb }, context));
        const claim = await target.ledger.claim();
        const record = appender(claim);
        append[store] = await measureAppends(record, appends);
        const upload = target.objects.put('checkpoints/beside', contentOf(most));
        appendBesideUpload[store] = await measureAppends(record, appends);
        await upload;
        await claim.release();
      } finally {
        await opened.remove(run);
      }
    }
    const ofLargest = (name: string): StoreRow => rows.filter(({ store }) => store === name).at(-1)!;
    const others = Object.keys(places).filter((name) => name !== 'folder');
    const ratios = others.map((name) => [name, round(ofLargest(name).putSeconds / ofLargest('folder').putSeconds)]);
    return {
      rows,
      figures: { append, appendBesideUpload },
      ratios: Object.fromEntries(ratios) as Record<string, number>,
    };
  } finally {
    broker.process.kill();
    await broker.process.ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
};

function schemeOf(place: string): string {
  return place.split(':')[0]!;
}

/** Megabytes that are all different, made as they are read. */
function contentOf(mb: number): Content {
  return {
    bytes: mb * MB,
    *pieces() {
      const piece = randomBytes(MB);
      for (let index = 0; index < mb; index += 1) {
        const next = Buffer.from(piece);
        next.writeUInt32LE(index);
        yield next;
      }
    },
  };
}

async function transfer(
  { objects }: RunStore,
  { store, mb }: Pick<StoreRow, 'store' | 'mb'>,
  { signal, say }: BenchContext,
): Promise<StoreRow> {
  const sent = createHash('sha256');
  const content = contentOf(mb);
  const pieces = function* (): Iterable<Uint8Array> {
    for (const piece of content.pieces() as Iterable<Uint8Array>) {
      signal.throwIfAborted();
      sent.update(piece);
      yield piece;
    }
  };
  const memoryBefore = process.memoryUsage.rss();
  let memoryMost = memoryBefore;
  const cpuBefore = process.cpuUsage();
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const putAt = performance.now();
  await objects.put('checkpoints/model', { bytes: content.bytes, pieces });
  const putSeconds = (performance.now() - putAt) / 1_000;
  delays.disable();
  const getAt = performance.now();
  const received = createHash('sha256');
  const object = await objects.get('checkpoints/model');
  for await (const piece of object!.pieces) {
    received.update(piece);
    memoryMost = Math.max(memoryMost, process.memoryUsage.rss());
  }
  const getSeconds = (performance.now() - getAt) / 1_000;
  if (sent.digest('hex') !== received.digest('hex')) throw new Error(`${store} gave other bytes than it took`);
  const { user, system } = process.cpuUsage(cpuBefore);
  say(`${store}: ${mb} MB put in ${putSeconds.toFixed(2)} s, got in ${getSeconds.toFixed(2)} s`);
  return {
    ...{ store, mb, putSeconds, getSeconds },
    cpuSeconds: (user + system) / MICROSECONDS,
    stallMs: delays.max / NANOSECONDS_PER_MS,
    memoryMb: Math.round((memoryMost - memoryBefore) / MB),
  };
}

type Append = () => Promise<void>;

function appender(claim: { append(at: number, bytes: Uint8Array): Promise<void> }): Append {
  const record = Buffer.from(`${'x'.repeat(RECORD_BYTES - 1)}\n`);
  let at = 0;
  return async () => {
    await claim.append(at, record);
    at += record.byteLength;
  };
}

async function measureAppends(append: Append, count: number): Promise<Latency> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await append();
    times.push(performance.now() - startedAt);
  }
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}
