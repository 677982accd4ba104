/**
 * The ledger on disk: an append-only file with one writer. An append resolves only when its record would survive a power
 * cut; appends that arrive during a sync share the next one, in order. After the first write error nothing is written any
 * more: a file whose sync failed once cannot be trusted again in this process. Whoever opens the ledger gives its name to a
 * copy: what an earlier writer that wakes up still appends goes to a file without a name (docs/adr/0009-standby.md).
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  LedgerReader,
  makePrivateFolder,
  PRIVATE_FILE,
  readLedgerFile,
  syncFolder,
  TrainingError,
  type LedgerChain,
  type LedgerEnd,
  type LedgerRecord,
} from '@facet/shared';
import type { LedgerClaim } from '../store/run-store.js';

const LEDGER_FILE = 'ledger.jsonl';
const COPIED_BYTES = 1 << 20;

/** A step appends a handful of records and waits for them, so a queue this long means that the disk hangs. */
const MAX_WAITING_APPENDS = 65_536;

/** Paths that this process writes. */
const openPaths = new Set<string>();

interface WaitingAppend {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: TrainingError) => void;
}

export interface OpenLedgerOptions {
  /** The run's folder; made when it is missing. */
  readonly folder: string;
  /** Called with every record that stands in the file, in order, before it is open. */
  readonly onRecord?: (record: LedgerRecord) => void;
  /** Called with every record once it is on disk, in order, before its append resolves. Must not throw. */
  readonly onAppended?: ((record: LedgerRecord) => void) | undefined;
  /** Called once, with the first write error; every append rejects with the same one. */
  readonly onError: (error: TrainingError) => void;
  /** Whether this process is still the writer; asked after every sync. Absent where there can be no other one. */
  readonly isWriter?: () => Promise<boolean>;
  /** The ledger of the run's store, which has the same bytes. It gets every record after the file, and before an append resolves. */
  readonly mirror?: Pick<LedgerClaim, 'append'> | undefined;
}

/** What was on disk when the ledger was opened. */
interface FoundLedger {
  readonly path: string;
  readonly file: FileHandle;
  readonly end: LedgerEnd;
}

/**
 * Opens a run's ledger for writing, or starts one. A torn tail is cut off and reported in `recovered`.
 *
 * @throws TrainingError LEDGER_INVALID naming the line when the ledger is damaged before its tail; RUN_LOCKED when this
 *   process has it open already.
 */
export async function openLedger(options: OpenLedgerOptions): Promise<LedgerFile> {
  const { folder, onRecord = () => undefined } = options;
  const path = join(resolve(folder), LEDGER_FILE);
  if (openPaths.has(path)) {
    throw new TrainingError('RUN_LOCKED', `the ledger ${path} is open for writing in this process; close it first`);
  }
  openPaths.add(path);
  try {
    await makePrivateFolder(dirname(path));
    const end = await readOrNothing(path, onRecord);
    requireSound(path, end);
    return new LedgerFile({ path, end, file: await replaceLedger(path, end.soundBytes) }, options);
  } catch (caught) {
    openPaths.delete(path);
    throw caught;
  }
}

async function readOrNothing(path: string, onRecord: (record: LedgerRecord) => void): Promise<LedgerEnd> {
  try {
    return await readLedgerFile(path, onRecord);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return new LedgerReader(onRecord).end();
    throw caught;
  }
}

/** @throws TrainingError LEDGER_INVALID naming the first damaged line. */
export function requireSound(path: string, { damaged: [first], damagedLines, lines }: LedgerEnd): void {
  if (first === undefined) return;
  const others = damagedLines === 1 ? '' : ` (and ${damagedLines - 1} more lines)`;
  // Some file systems show the end of a write before its beginning.
  const lastLine = `remove that line if the machine lost its power while it was written, or `;
  const advice = `${first.line === lines ? lastLine : ''}restore the ledger from a copy, or start a new run`;
  throw new TrainingError('LEDGER_INVALID', `${path} line ${first.line}${others}: ${first.reason}; ${advice}`);
}

/** Gives the ledger's name to a copy of its first bytes, which is on disk before it gets the name; open for appending. */
export async function replaceLedger(path: string, soundBytes: number): Promise<FileHandle> {
  const next = `${path}.next`;
  await rm(next, { force: true });
  const file = await open(next, 'ax', PRIVATE_FILE);
  try {
    if (soundBytes > 0) await copyInto(file, path, soundBytes);
    await file.sync();
    await rename(next, path);
    await syncFolder(dirname(path));
    return file;
  } catch (caught) {
    await file.close();
    throw caught;
  }
}

async function copyInto(target: FileHandle, path: string, length: number): Promise<void> {
  await using source = await open(path, 'r');
  const piece = new Uint8Array(COPIED_BYTES);
  for (let position = 0; position < length;) {
    const { bytesRead } = await source.read(piece, 0, Math.min(piece.length, length - position), position);
    if (bytesRead === 0) throw new Error(`${path} has ${position} bytes, expected ${length} as before`);
    await target.appendFile(piece.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** An open ledger; made by `openLedger`. */
export class LedgerFile {
  readonly path: string;
  /** Whether nothing stood in the file when it was opened. */
  readonly isNew: boolean;
  /** Whether nothing stands in it: nothing was found, and no append was made. */
  get isUnwritten(): boolean {
    return this.#chain.before === undefined;
  }

  /** The torn tail that was cut off when the file was opened. */
  readonly recovered: { readonly bytes: number } | undefined;

  readonly #file: FileHandle;
  readonly #chain: LedgerChain;
  readonly #onError: (error: TrainingError) => void;
  readonly #onAppended: (record: LedgerRecord) => void;
  readonly #isWriter: () => Promise<boolean>;
  readonly #mirror: Pick<LedgerClaim, 'append'> | undefined;
  #bytes: number;
  #waiting: WaitingAppend[] = [];
  #writing: Promise<void> | undefined;
  #failure: TrainingError | undefined;
  #closing: Promise<void> | undefined;

  constructor(found: FoundLedger, options: OpenLedgerOptions) {
    const { path, file, end } = found;
    const { onError, onAppended = () => undefined, isWriter = () => Promise.resolve(true), mirror } = options;
    this.path = path;
    this.isNew = end.lines === 0;
    this.recovered = end.tornBytes === 0 ? undefined : { bytes: end.tornBytes };
    this.#file = file;
    this.#chain = end.chain;
    this.#onError = onError;
    this.#onAppended = onAppended;
    this.#isWriter = isWriter;
    this.#mirror = mirror;
    this.#bytes = end.soundBytes;
  }

  /**
   * Resolves when the record is on disk, after every record that was appended before it. Callers must handle the
   * rejection even though `onError` reports it too.
   *
   * @throws TrainingError ACCOUNTING when this or an earlier write failed, or the ledger is closed; RUN_LOCKED when another
   *   coordinator has taken over; INTERNAL when the record is malformed, which leaves the ledger usable.
   */
  async append(record: LedgerRecord): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new TrainingError('ACCOUNTING', `the ledger ${this.path} is closed`);
    if (this.#waiting.length >= MAX_WAITING_APPENDS) {
      throw this.#fail(new Error(`${MAX_WAITING_APPENDS} records wait for the disk, which does not answer`));
    }
    const line = this.#chain.append(record);
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ line, resolve, reject }));
    this.#writing ??= this.#writeWaiting();
    await written;
    this.#onAppended(record);
  }

  /** Waits for the appends under way, then closes the file. Later appends are refused; closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#flushAndClose();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #flushAndClose(): Promise<void> {
    await this.#writing;
    openPaths.delete(this.path);
    await this.#file.close();
  }

  /** Never rejects: a failure goes to the appends that wait. */
  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const bytes = new TextEncoder().encode(batch.map(({ line }) => line).join(''));
        await this.#file.appendFile(bytes);
        await this.#file.datasync();
        // Only now: whoever takes over says so before it reads, so what was on disk before that is in its copy.
        if (!(await this.#isWriter())) throw takenOver(this.path);
        await this.#mirror?.append(this.#bytes, bytes);
        this.#bytes += bytes.byteLength;
      } catch (caught) {
        const failure = this.#fail(caught);
        for (const { reject } of batch) reject(failure);
        break;
      }
      for (const { resolve } of batch) resolve();
    }
    this.#writing = undefined;
  }

  #fail(caught: unknown): TrainingError {
    if (this.#failure !== undefined) return this.#failure;
    const failure = asFailure(caught, this.path);
    this.#failure = failure;
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
    this.#onError(failure);
    return failure;
  }
}

function takenOver(path: string): TrainingError {
  return new TrainingError(
    'RUN_LOCKED',
    `another coordinator has taken over the run of ${path}; what this one recorded since then does not count`,
  );
}

function asFailure(caught: unknown, path: string): TrainingError {
  const cause = TrainingError.from(caught);
  if (cause.code === 'RUN_LOCKED') return cause;
  const isStore = cause.code.startsWith('STORE_');
  return new TrainingError(
    'ACCOUNTING',
    `cannot write the ledger ${path}: ${cause.message}; mend the ${isStore ? 'store' : 'disk'}, then resume: steps that were not recorded are redone`,
    { cause },
  );
}
