/**
 * The port of a run store: where the ledger, the checkpoints and the small documents of runs lie. A store knows bytes under
 * names and one ledger per run, and nothing of what they mean: what a checkpoint is, when one is whole, and how a run is
 * opened are decided once, above this port (../run). store-contract.ts in test/ says what every implementation must do.
 *
 * What fails is a TrainingError: STORE_UNREACHABLE when the same call may succeed later (no answer, throttled, an error of
 * the server), STORE_REFUSED when it cannot (full, no right, no such bucket).
 */

/** A place that holds runs, such as a folder, a broker or a bucket. */
export interface Store extends AsyncDisposable {
  /** As a person may see it: without secrets. */
  readonly place: string;
  /** The names of the runs that have anything in it, sorted. */
  runs(): Promise<readonly string[]>;
  /** One run, whether or not anything is there. Opening writes nothing. */
  open(run: string): Promise<RunStore>;
  /** Removes everything of a run, its ledger first, so that no half of a run is left that looks whole. */
  remove(run: string): Promise<void>;
}

/** One run in a store. */
export interface RunStore extends AsyncDisposable {
  /** As a person may see it, such as `s3://bucket/prefix/RUN`. */
  readonly place: string;
  readonly objects: ObjectShelf;
  readonly ledger: LedgerShelf;
  /**
   * Only where the ledger is made of objects: the same run with every call of an object wrapped, also those of the ledger. A claim is
   * several calls there, and to repeat all of them would not end on a server that throttles.
   */
  readonly wrapped?: (wrap: (objects: ObjectShelf) => ObjectShelf) => RunStore;
}

/** What is put under a name. A failed attempt is repeated, so its pieces may be asked for again. */
export interface Content {
  readonly bytes: number;
  /** Pieces of any size, `bytes` in all. They are used before the next one is asked for. */
  pieces(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What lies under a name. */
export interface StoredObject {
  readonly bytes: number;
  /** Can be read once. Rejects when it is damaged or was removed meanwhile. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/**
 * Bytes under names such as `checkpoints/step-000000100/run.json`. What was put is read by everybody who asks afterwards.
 */
export interface ObjectShelf {
  /** Writes or replaces. Whoever reads meanwhile finds what was there before, or all of the new content. */
  put(name: string, content: Content): Promise<void>;
  get(name: string): Promise<StoredObject | undefined>;
  /** The names that begin with a text, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes a name that may be missing. */
  remove(name: string): Promise<void>;
}

/** The bytes of a run's ledger, in order. */
export interface LedgerShelf {
  /** All bytes whose append has been acknowledged, and at most one append that was not; nothing when there is none. */
  read(): AsyncIterable<Uint8Array>;
  /** Makes this process the only writer. Every append of an earlier one that is acknowledged is read from now on; the others never are. */
  claim(): Promise<LedgerClaim>;
}

/** The right to append. */
export interface LedgerClaim {
  /**
   * Resolves when the bytes are safe.
   *
   * @param at how many bytes the ledger has before them. The same append may be repeated: it is there once.
   * @throws TrainingError RUN_LOCKED when another process has claimed the ledger. Not one byte is in it then, unless the append
   *   was under way while the other one claimed.
   */
  append(at: number, bytes: Uint8Array): Promise<void>;
  /** False once another process has claimed it. */
  isHeld(): Promise<boolean>;
  /** Ends the claim on this side; nothing that lies in the store changes. */
  release(): Promise<void>;
}

/** Content that is in memory. */
export function contentOf(bytes: Uint8Array | string): Content {
  const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return { bytes: content.byteLength, pieces: () => [content] };
}

/** All of an object in memory. For small ones only. */
export async function readAll({ bytes, pieces }: StoredObject): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const piece of pieces) {
    if (at + piece.byteLength > bytes) break;
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return at === bytes ? whole : whole.subarray(0, at);
}

/** A small object as text; undefined when there is none. */
export async function readText(objects: ObjectShelf, name: string): Promise<string | undefined> {
  const object = await objects.get(name);
  return object === undefined ? undefined : new TextDecoder().decode(await readAll(object));
}
