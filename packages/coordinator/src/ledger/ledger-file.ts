/**
 * The ledger on disk: an append-only file with one writer. An append resolves only when its record would survive a power
 * cut; appends that arrive during a sync share the next one, in order. After the first write error nothing is written any
 * more: a file whose sync failed once cannot be trusted again in this process. Whoever opens the ledger gives its name to a
 * copy: what an earlier writer that wakes up still appends goes to a file without a name (docs/adr/0009-standby.md).
 */
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { formatRecord, parseLedger, syncFolder, TrainingError, type LedgerRecord } from '@facet/shared';

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
  /** Whether this process is still the writer; asked after every sync. Absent where there can be no other one. */
  readonly isWriter?: () => Promise<boolean>;
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
export async function openLedger(options: OpenLedgerOptions): Promise<LedgerFile> {
  const { folder } = options;
  const path = join(resolve(folder), LEDGER_FILE);
  if (openPaths.has(path)) {
    throw new TrainingError('RUN_LOCKED', `the ledger ${path} is open for writing in this process; close it first`);
  }
  openPaths.add(path);
  try {
    return new LedgerFile(await readAndReplace(path), options);
  } catch (caught) {
    openPaths.delete(path);
    throw caught;
  }
}

async function readAndReplace(path: string): Promise<FoundLedger> {
  await mkdir(dirname(path), { recursive: true });
  const bytes = await readFileOrNothing(path);
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
  const file = await replaceLedger(path, bytes.subarray(0, soundBytes));
  return { path, file, records, recovered: tornTail ? { bytes: bytes.byteLength - soundBytes } : undefined };
}

async function readFileOrNothing(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    return await file.readFile();
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw caught;
  }
}

/** Gives the ledger's name to a new file with this content, which is on disk before it gets the name; open for appending. */
async function replaceLedger(path: string, content: Buffer): Promise<FileHandle> {
  const next = `${path}.next`;
  await rm(next, { force: true });
  const file = await open(next, 'ax', 0o600);
  try {
    await file.appendFile(content);
    await file.sync();
    await rename(next, path);
    await syncFolder(dirname(path));
    return file;
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
  readonly #isWriter: () => Promise<boolean>;
  #waiting: WaitingAppend[] = [];
  #writing: Promise<void> | undefined;
  #failure: TrainingError | undefined;
  #closing: Promise<void> | undefined;

  constructor(found: FoundLedger, { onError, isWriter = () => Promise.resolve(true) }: OpenLedgerOptions) {
    this.path = found.path;
    this.records = found.records;
    this.recovered = found.recovered;
    this.#file = found.file;
    this.#onError = onError;
    this.#isWriter = isWriter;
  }

  /**
   * Resolves when the record is on disk, after every record that was appended before it. Callers must handle the
   * rejection even though `onError` reports it too.
   *
   * @throws TrainingError ACCOUNTING when this or an earlier write failed, or the ledger is closed; RUN_LOCKED when another
   *   coordinator has taken over; INTERNAL when the record is malformed, which leaves the ledger usable.
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
        // Only now: whoever takes over says so before it reads, so what was on disk before that is in its copy.
        if (!(await this.#isWriter())) throw takenOver(this.path);
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
  return new TrainingError(
    'ACCOUNTING',
    `cannot write the ledger ${path}: ${cause.message}; mend the disk, then resume: steps that were not recorded are redone`,
    { cause },
  );
}
