/**
 * The ledger on disk: an append-only file with one writer. An append resolves only when its record would survive a power
 * cut; appends that arrive during a sync share the next one, in order. After the first write error nothing is written any
 * more: a file whose sync failed once cannot be trusted again in this process. Other processes are kept out by the
 * coordinator's lease, not here.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { formatRecord, parseLedger, TrainingError, type LedgerRecord } from '@facet/shared';
import { syncFolder } from '../durable-files.js';

const LEDGER_FILE = 'ledger.jsonl';

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
  /** Called once, with the first write error; every append rejects with the same one. */
  readonly onError: (error: TrainingError) => void;
}

/** What was on disk when the ledger was opened. */
interface FoundLedger {
  readonly path: string;
  readonly file: FileHandle;
  readonly records: readonly LedgerRecord[];
  readonly recovered: { readonly bytes: number } | undefined;
}

/**
 * Opens a run's ledger for writing, or starts one. A torn tail is cut off and reported in `recovered`.
 *
 * @throws TrainingError LEDGER_INVALID naming the line when the ledger is damaged before its tail; RUN_LOCKED when this
 *   process has it open already.
 */
export async function openLedger({ folder, onError }: OpenLedgerOptions): Promise<LedgerFile> {
  const path = join(resolve(folder), LEDGER_FILE);
  if (openPaths.has(path)) {
    throw new TrainingError('RUN_LOCKED', `the ledger ${path} is open for writing in this process; close it first`);
  }
  openPaths.add(path);
  try {
    return new LedgerFile(await readAndRepair(path), onError);
  } catch (caught) {
    openPaths.delete(path);
    throw caught;
  }
}

async function readAndRepair(path: string): Promise<FoundLedger> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  try {
    const bytes = await file.readFile();
    const text = bytes.toString('utf8');
    const { records, damaged, tornTail, soundLength } = parseLedger(text);
    const [first] = damaged;
    if (first !== undefined) {
      const others = damaged.length === 1 ? '' : ` (and ${damaged.length - 1} more lines)`;
      const advice = 'restore the ledger from a copy, or start a new run';
      throw new TrainingError('LEDGER_INVALID', `${path} line ${first.line}${others}: ${first.reason}; ${advice}`);
    }
    // The sound part is valid UTF-8, because its checksums hold; the tail may be anything, so it is never measured.
    const soundBytes = Buffer.byteLength(text.slice(0, soundLength));
    if (tornTail) await file.truncate(soundBytes);
    await file.sync();
    await syncFolder(dirname(path));
    return { path, file, records, recovered: tornTail ? { bytes: bytes.byteLength - soundBytes } : undefined };
  } catch (caught) {
    await file.close();
    throw caught;
  }
}

/** An open ledger; made by `openLedger`. */
export class LedgerFile {
  readonly path: string;
  /** The records that stood in the file when it was opened. */
  readonly records: readonly LedgerRecord[];
  /** The torn tail that was cut off when the file was opened. */
  readonly recovered: { readonly bytes: number } | undefined;

  readonly #file: FileHandle;
  readonly #onError: (error: TrainingError) => void;
  #waiting: WaitingAppend[] = [];
  #writing: Promise<void> | undefined;
  #failure: TrainingError | undefined;
  #closing: Promise<void> | undefined;

  constructor(found: FoundLedger, onError: (error: TrainingError) => void) {
    this.path = found.path;
    this.records = found.records;
    this.recovered = found.recovered;
    this.#file = found.file;
    this.#onError = onError;
  }

  /**
   * Resolves when the record is on disk, after every record that was appended before it. Callers must handle the
   * rejection even though `onError` reports it too.
   *
   * @throws TrainingError ACCOUNTING when this or an earlier write failed, or the ledger is closed; INTERNAL when the
   *   record is malformed, which leaves the ledger usable.
   */
  async append(record: LedgerRecord): Promise<void> {
    const line = `${formatRecord(record)}\n`;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new TrainingError('ACCOUNTING', `the ledger ${this.path} is closed`);
    if (this.#waiting.length >= MAX_WAITING_APPENDS) {
      throw this.#fail(new Error(`${MAX_WAITING_APPENDS} records wait for the disk, which does not answer`));
    }
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ line, resolve, reject }));
    this.#writing ??= this.#writeWaiting();
    await written;
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
        await this.#file.appendFile(batch.map(({ line }) => line).join(''));
        await this.#file.datasync();
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
    const cause = TrainingError.from(caught);
    const failure = new TrainingError(
      'ACCOUNTING',
      `cannot write the ledger ${this.path}: ${cause.message}; mend the disk, then resume: steps that were not recorded are redone`,
      { cause },
    );
    this.#failure = failure;
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
    this.#onError(failure);
    return failure;
  }
}
