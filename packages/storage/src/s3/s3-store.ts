/**
 * Runs in a bucket of S3 or of a server that speaks like it. An object is a key below the run's prefix; it is there when
 * its last byte is. The ledger is made of objects (../store/object-ledger.ts), because the interface has no appends and not
 * every server has conditional writes. The lease of a run stays in NATS.
 */
import { isRunName, systemClock, type Environment } from '@facet/shared';
import { objectLedger } from '../store/object-ledger.js';
import type { Content, ObjectShelf, RunStore, Store, StoredObject } from '../store/run-store.js';
import { retry } from '../store/retried-store.js';
import { chunksOfSize, storing } from '../store/source.js';
import { unreachable } from '../store/store-errors.js';
import { S3Client, type S3Response } from './s3-client.js';
import { readLogin } from './s3-login.js';

/** Objects up to this size are one request; larger ones are sent in parts, each of which is in memory once. */
const PART_BYTES = 8 << 20;
const MOST_PARTS = 10_000;
/** Parts that are on their way at once. */
const PARTS_IN_FLIGHT = 3;
const PART_PATIENCE_MS = 20_000;
const LEDGER_PREFIX = 'ledger/';

export interface S3StoreOptions {
  readonly bucket: string;
  /** Without a slash at its end; empty for the bucket itself. */
  readonly prefix: string;
  readonly env: Environment;
}

/** @throws TrainingError STORE_REFUSED when there are no keys. */
export async function openS3Store({ bucket, prefix, env }: S3StoreOptions): Promise<Store> {
  const client = new S3Client(await readLogin(env), { bucket, env });
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const base = prefix === '' ? '' : `${prefix}/`;
  const shelf = (run: string): ObjectShelf => objectsOf({ client, base: `${base}${run}/`, place: `${place}/${run}` });
  return {
    place,
    async runs() {
      const found: string[] = [];
      for await (const page of pagesOf(client, { prefix: base, delimiter: '/' })) {
        for (const name of valuesOf(page, 'Prefix', /<CommonPrefixes>(.*?)<\/CommonPrefixes>/gs)) {
          found.push(name.slice(base.length, -1));
        }
      }
      return found.filter(isRunName).sort();
    },
    open(run) {
      return Promise.resolve(runOver(shelf(run), `${place}/${run}`));
    },
    async remove(run) {
      const objects = shelf(run);
      const names = await objects.list('');
      const isLedger = (name: string): boolean => name.startsWith(LEDGER_PREFIX);
      for (const name of [...names.filter(isLedger), ...names.filter((each) => !isLedger(each))]) {
        await objects.remove(name);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A run whose ledger is made of objects, which are not among its own. */
function runOver(objects: ObjectShelf, place: string): RunStore {
  return {
    place,
    objects: {
      ...objects,
      list: async (start) => (await objects.list(start)).filter((name) => !name.startsWith(LEDGER_PREFIX)),
    },
    ledger: objectLedger(objects, place),
    wrapped: (wrap) => runOver(wrap(objects), place),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Shelf {
  readonly client: S3Client;
  /** What every key begins with. */
  readonly base: string;
  readonly place: string;
}

function objectsOf(shelf: Shelf): ObjectShelf {
  const { client, base, place } = shelf;
  const asIs = (caught: unknown): unknown => caught;
  return {
    put: (name, content) =>
      storing(
        () => (content.bytes <= PART_BYTES ? putAtOnce(shelf, name, content) : putInParts(shelf, name, content)),
        asIs,
      ),
    async get(name): Promise<StoredObject | undefined> {
      const response = await client.send({ method: 'GET', key: `${base}${name}` });
      if (response === undefined) return undefined;
      const { bytes, pieces } = response;
      if (bytes === undefined) throw unreachable(place, `it does not say how long ${name} is`);
      return { bytes, pieces: requireLength(pieces, bytes, place) };
    },
    async list(prefix) {
      const names: string[] = [];
      for await (const page of pagesOf(client, { prefix: `${base}${prefix}` })) {
        names.push(...valuesOf(page, 'Key', /<Contents>(.*?)<\/Contents>/gs).map((key) => key.slice(base.length)));
      }
      return names.sort();
    },
    async remove(name) {
      await client.send({ method: 'DELETE', key: `${base}${name}` });
    },
  };
}

/** A connection that ends early is no shorter object. */
async function* requireLength(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
  place: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const piece of pieces) {
    length += piece.byteLength;
    yield piece;
  }
  if (length !== bytes) throw unreachable(place, `it sent ${length} bytes, expected ${bytes}`);
}

async function putAtOnce({ client, base }: Shelf, name: string, content: Content): Promise<void> {
  let body = new Uint8Array();
  for await (const chunk of chunksOfSize(content, PART_BYTES)) body = chunk as Uint8Array<ArrayBuffer>;
  await needed(client.send({ method: 'PUT', key: `${base}${name}`, body }), `s3://…/${name}`);
}

/** The object appears when all parts are there. What fails leaves no parts behind, if the server still answers. */
async function putInParts({ client, base, place }: Shelf, name: string, content: Content): Promise<void> {
  const key = `${base}${name}`;
  const started = await patiently(() => needed(client.send({ method: 'POST', key, query: { uploads: '' } }), place));
  const [uploadId] = valuesOf(await started.text(), 'UploadId');
  if (uploadId === undefined) throw unreachable(place, `it began no upload of ${name}`);
  try {
    const underWay: Promise<string>[] = [];
    const tags: string[] = [];
    const partBytes = Math.max(PART_BYTES, Math.ceil(content.bytes / MOST_PARTS));
    for await (const body of chunksOfSize(content, partBytes)) {
      if (underWay.length >= PARTS_IN_FLIGHT) tags.push(await underWay.shift()!);
      const query = { partNumber: String(tags.length + underWay.length + 1), uploadId };
      const sent = patiently(async () => {
        const response = await needed(client.send({ method: 'PUT', key, query, body }), place);
        await response.text();
        return response.headers.get('etag') ?? '';
      });
      // It is awaited later, or not at all when another one fails first.
      sent.catch(() => undefined);
      underWay.push(sent);
    }
    tags.push(...(await Promise.all(underWay)));
    const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const xmlns = 'http://s3.amazonaws.com/doc/2006-03-01/';
    const list = `<CompleteMultipartUpload xmlns="${xmlns}">${parts.join('')}</CompleteMultipartUpload>`;
    const body = new TextEncoder().encode(list);
    const completed = await needed(client.send({ method: 'POST', key, query: { uploadId }, body }), place);
    // The server may begin its answer before it knows how it ends.
    const text = await completed.text();
    if (text.includes('<Error>')) throw unreachable(place, `${name}: ${valuesOf(text, 'Code').join()}`);
  } catch (caught) {
    await client.send({ method: 'DELETE', key, query: { uploadId } }).catch(() => undefined);
    throw caught;
  }
}

/** A part that fails is sent again by itself: an upload of many would otherwise never end on a server that throttles. */
function patiently<T>(act: () => Promise<T>): Promise<T> {
  return retry({ clock: systemClock, limitMs: PART_PATIENCE_MS, random: Math.random }, act);
}

async function needed(sent: Promise<S3Response | undefined>, place: string): Promise<S3Response> {
  return (await sent) ?? Promise.reject(unreachable(place, 'it answers that there is nothing to write to'));
}

async function* pagesOf(
  client: S3Client,
  query: Readonly<Record<string, string>>,
): AsyncGenerator<string, void, undefined> {
  let token: string | undefined;
  do {
    const next: Record<string, string> = token === undefined ? {} : { 'continuation-token': token };
    const response = await client.send({ method: 'GET', query: { 'list-type': '2', ...query, ...next } });
    const text = (await response?.text()) ?? '';
    yield text;
    token = text.includes('<IsTruncated>true') ? valuesOf(text, 'NextContinuationToken')[0] : undefined;
  } while (token !== undefined);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What stands in the elements of a name, or in those within elements that match. */
function valuesOf(xml: string, element: string, within?: RegExp): string[] {
  const texts = within === undefined ? [xml] : [...xml.matchAll(within)].map(([, text = '']) => text);
  const inner = new RegExp(`<${element}>([^<]*)</${element}>`, 'g');
  return texts
    .flatMap((text) => [...text.matchAll(inner)].map(([, value = '']) => value))
    .map((value) =>
      value
        .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, digits: string) =>
          String.fromCodePoint(Number.parseInt(digits, hex === '' ? 10 : 16)),
        )
        .replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole),
    );
}
