/**
 * Objects in a JetStream stream. The bytes are messages of their own, the chunks; one more message, the last one under the
 * object's subject, says which chunks they are, how long and with which SHA-256. It is written last, so an object is there
 * whole or not at all, and one that is replaced keeps its chunks until then. This is the broker's Object Store but for the
 * hash, which node:crypto computes (docs/adr/0022-run-store.md has the figures).
 */
import { createHash, randomUUID } from 'node:crypto';
import { isStreamMissing, TrainingError } from '@facet/shared';
import type { Content, ObjectShelf, StoredObject } from '../store/run-store.js';
import { chunksOfSize, storing } from '../store/source.js';
import { translate } from './nats-errors.js';
import type { NatsRun } from './nats-run.js';
import { removeStrays } from './nats-strays.js';

/** Chunks that are on their way at once. */
const IN_FLIGHT = 16;

interface ObjectEntry {
  readonly id: string;
  readonly bytes: number;
  readonly chunks: number;
  readonly sha256: string;
}

export function natsObjects(run: NatsRun): ObjectShelf {
  const { manager, names, place } = run;
  const uploads: Uploads = { underWay: new Set(), hasSwept: false };
  return {
    put: (name, content) =>
      translated(place, async () => {
        await put(run, { name, content }, uploads);
        await sweepOnce(run, uploads);
      }),
    get: (name) =>
      translated(place, async () => {
        const entry = await readEntry(run, name);
        return entry && open(run, name, entry);
      }),
    list: (prefix) =>
      translated(place, async () => {
        const found = await subjectsOf(run, names.objectSubjects);
        return found
          .map((subject) => names.nameOf(subject))
          .filter((name) => name.startsWith(prefix))
          .sort();
      }),
    remove: (name) =>
      translated(place, async () => {
        const entry = await readEntry(run, name);
        if (entry === undefined) return;
        await manager.streams.purge(names.objectStream, { filter: names.objectSubject(name) });
        await removeChunks(run, entry.id);
      }),
  };
}

/** What this process writes. */
interface Uploads {
  readonly underWay: Set<string>;
  hasSwept: boolean;
}

/** The first writer after a crash removes what the one before left. What cannot be removed now is left to the next one. */
async function sweepOnce(run: NatsRun, uploads: Uploads): Promise<void> {
  if (uploads.hasSwept) return;
  uploads.hasSwept = true;
  const named = async (): Promise<(id: string) => boolean> => {
    const ids = new Set<string>();
    for (const subject of await subjectsOf(run, run.names.objectSubjects)) {
      const entry = await readEntry(run, run.names.nameOf(subject));
      if (entry !== undefined) ids.add(entry.id);
    }
    return (id) => ids.has(id) || uploads.underWay.has(id);
  };
  await removeStrays(run, named).catch(() => undefined);
}

interface Put {
  readonly name: string;
  readonly content: Content;
}

async function put(run: NatsRun, { name, content }: Put, { underWay }: Uploads): Promise<void> {
  const { client, names } = run;
  await run.makeObjectStream();
  const before = await readEntry(run, name);
  const id = randomUUID();
  underWay.add(id);
  try {
    const entry = await putChunks(run, id, content);
    await client.publish(names.objectSubject(name), JSON.stringify(entry));
  } catch (caught) {
    await removeChunks(run, id).catch(() => undefined);
    throw caught;
  } finally {
    underWay.delete(id);
  }
  if (before !== undefined) await removeChunks(run, before.id).catch(() => undefined);
}

async function putChunks(run: NatsRun, id: string, content: Content): Promise<ObjectEntry> {
  const { client, names, pieceBytes } = run;
  const hash = createHash('sha256');
  const underWay: Promise<unknown>[] = [];
  let chunks = 0;
  let bytes = 0;
  for await (const chunk of chunksOfSize(content, pieceBytes)) {
    if (underWay.length >= IN_FLIGHT) await underWay.shift();
    hash.update(chunk);
    const sent = client.publish(names.chunkSubject(id, chunks), chunk);
    // It is awaited later, or not at all when another one fails first.
    sent.catch(() => undefined);
    underWay.push(sent);
    chunks += 1;
    bytes += chunk.byteLength;
  }
  await Promise.all(underWay);
  return { id, bytes, chunks, sha256: hash.digest('hex') };
}

async function readEntry({ manager, names, place }: NatsRun, name: string): Promise<ObjectEntry | undefined> {
  try {
    const subject = names.objectSubject(name);
    const found = await manager.streams.getMessage(names.objectStream, { last_by_subj: subject });
    if (found === null) return undefined;
    return parseEntry(found.string()) ?? fail(damaged(place, name, 'its entry cannot be read'));
  } catch (caught) {
    if (isStreamMissing(caught)) return undefined;
    throw caught;
  }
}

function parseEntry(text: string): ObjectEntry | undefined {
  try {
    const { id, bytes, chunks, sha256 } = JSON.parse(text) as Partial<ObjectEntry>;
    const isNumeric = typeof bytes === 'number' && typeof chunks === 'number';
    return isNumeric && typeof id === 'string' && typeof sha256 === 'string'
      ? { id, bytes, chunks, sha256 }
      : undefined;
  } catch {
    return undefined;
  }
}

function fail(error: TrainingError): never {
  throw error;
}

function open(run: NatsRun, name: string, entry: ObjectEntry): StoredObject {
  return { bytes: entry.bytes, pieces: chunksOf(run, name, entry) };
}

async function* chunksOf(
  run: NatsRun,
  name: string,
  { id, bytes, chunks, sha256 }: ObjectEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { place } = run;
  const hash = createHash('sha256');
  const underWay: Promise<Uint8Array | undefined>[] = [];
  let asked = 0;
  let length = 0;
  for (let index = 0; index < chunks; index += 1) {
    for (; asked < Math.min(chunks, index + IN_FLIGHT); asked += 1) {
      const chunk = getChunk(run, id, asked);
      chunk.catch(() => undefined);
      underWay.push(chunk);
    }
    const chunk = await translated(place, () => underWay.shift()!);
    if (chunk === undefined) throw damaged(place, name, `chunk ${index + 1} of ${chunks} is missing`);
    hash.update(chunk);
    length += chunk.byteLength;
    yield chunk;
  }
  const actual = hash.digest('hex');
  if (length !== bytes || actual !== sha256) {
    throw damaged(place, name, `it has ${length} bytes with SHA-256 ${actual}, expected ${bytes} with ${sha256}`);
  }
}

async function getChunk({ manager, names }: NatsRun, id: string, index: number): Promise<Uint8Array | undefined> {
  const query = { last_by_subj: names.chunkSubject(id, index) };
  const direct = await manager.direct.getMessage(names.objectStream, query);
  // Any replica answers directly, also one that is behind; the leader knows.
  return (direct ?? (await manager.streams.getMessage(names.objectStream, query)))?.data;
}

async function removeChunks({ manager, names }: NatsRun, id: string): Promise<void> {
  await manager.streams.purge(names.objectStream, { filter: names.chunkSubject(id, '>') });
}

async function subjectsOf({ manager, names }: NatsRun, filter: string): Promise<readonly string[]> {
  try {
    const { state } = await manager.streams.info(names.objectStream, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {});
  } catch (caught) {
    if (isStreamMissing(caught)) return [];
    throw caught;
  }
}

function damaged(place: string, name: string, fault: string): TrainingError {
  return new TrainingError('CHECKPOINT_INVALID', `${place}/${name} is damaged: ${fault}; use another checkpoint`);
}

function translated<T>(place: string, act: () => Promise<T>): Promise<T> {
  return storing(act, (caught) => translate(caught, place));
}
