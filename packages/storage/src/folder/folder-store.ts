/**
 * Runs in a folder, one folder each: the layout that a coordinator works in. A file gets its name when all of it is on disk.
 * Whoever claims the ledger gives its name to a copy, so that what an earlier writer still appends goes to a file without a
 * name, and takes the lock, by which the earlier one notices (docs/adr/0009-standby.md).
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  diskRefusal,
  isRunName,
  makePrivateFolder,
  openRegularFile,
  PRIVATE_FILE,
  syncFolder,
  TrainingError,
} from '@facet/shared';
import { LEDGER_FILE } from '../run-files.js';
import type {
  Content,
  LedgerClaim,
  LedgerShelf,
  ObjectShelf,
  RunStore,
  Store,
  StoredObject,
} from '../store/run-store.js';
import { sourceOf, storing } from '../store/source.js';
import { fenced, full, refused } from '../store/store-errors.js';
import { replaceLedger } from '../ledger/ledger-file.js';
import { removeRun, takeOverRun, type RunLock } from './run-lock.js';

const PIECE_BYTES = 1 << 20;
const PART_SUFFIX = '.part';
/** Files of a run's folder that are not its content: who is at work, and what was written beside. */
const NOT_CONTENT = new Set(['lock', LEDGER_FILE, 'coordinator.json', 'store.json']);
const NOT_CONTENT_FOLDERS = ['logs/', 'tensorboard/'];

export class FolderStore implements Store {
  readonly place: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
    this.place = this.#folder;
  }

  async runs(): Promise<readonly string[]> {
    const names = await namesIn(this.#folder);
    const found: string[] = [];
    for (const name of names.filter(isRunName)) {
      if (await exists(join(this.#folder, name, LEDGER_FILE))) found.push(name);
    }
    return found.sort();
  }

  open(run: string): Promise<RunStore> {
    return Promise.resolve(folderRun(join(this.#folder, run)));
  }

  async remove(run: string): Promise<void> {
    const folder = join(this.#folder, run);
    if (await exists(folder)) await removeRun(folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** One run's folder. */
export function folderRun(folder: string): RunStore {
  const place = resolve(folder);
  return {
    place,
    objects: objectsIn(place),
    ledger: ledgerIn(place),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function objectsIn(folder: string): ObjectShelf {
  return {
    put: (name, content) => translated(folder, () => writePieces(pathOf(folder, name), content)),
    get: (name) => translated(folder, () => openObject(folder, name)),
    list: (prefix) =>
      translated(folder, async () => {
        const names: string[] = [];
        for await (const path of filesBelow(folder)) names.push(relative(folder, path).split(sep).join('/'));
        return names.filter((name) => name.startsWith(prefix) && !isNotContent(name)).sort();
      }),
    remove: (name) =>
      translated(folder, async () => {
        const path = pathOf(folder, name);
        await rm(path, { force: true });
        // A folder that is empty is no name.
        if (dirname(path) !== folder) await rmdir(dirname(path)).catch(() => undefined);
      }),
  };
}

function isNotContent(name: string): boolean {
  const isBeside = NOT_CONTENT.has(name) || NOT_CONTENT_FOLDERS.some((folder) => name.startsWith(folder));
  return isBeside || name.endsWith(PART_SUFFIX) || name.includes('/.tmp-');
}

/** @throws TrainingError CONFIG_INVALID for a name that leads out of the folder. */
function pathOf(folder: string, name: string): string {
  const path = join(folder, name);
  if (path.startsWith(folder + sep)) return path;
  throw new TrainingError('CONFIG_INVALID', `'${name}' leads out of ${folder}`);
}

async function writePieces(path: string, content: Content): Promise<void> {
  await makePrivateFolder(dirname(path));
  const part = `${path}.${randomUUID()}${PART_SUFFIX}`;
  try {
    {
      await using file = await open(part, 'wx', PRIVATE_FILE);
      for await (const piece of sourceOf(content)) await file.appendFile(piece);
      await file.sync();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (caught) {
    await rm(part, { force: true }).catch(() => undefined);
    throw caught;
  }
}

async function openObject(folder: string, name: string): Promise<StoredObject | undefined> {
  const path = pathOf(folder, name);
  try {
    const { size } = await stat(path);
    return { bytes: size, pieces: piecesOfFile(path) };
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw caught;
  }
}

/** The bytes of a file, piece by piece; every piece is memory of its own. */
export async function* piecesOfFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  await using file = await openRegularFile(path, Number.MAX_SAFE_INTEGER);
  for (;;) {
    const piece = new Uint8Array(PIECE_BYTES);
    const { bytesRead } = await file.handle.read(piece, 0, PIECE_BYTES, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

async function* filesBelow(folder: string): AsyncGenerator<string, void, undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT') return [];
    throw caught;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

function ledgerIn(folder: string): LedgerShelf {
  const path = join(folder, LEDGER_FILE);
  return {
    async *read() {
      if (await exists(path)) yield* piecesOfFile(path);
    },
    claim: () =>
      translated(folder, async () => {
        await makePrivateFolder(folder);
        const lock = await takeOverRun(folder);
        const size = await stat(path).then(
          (stats) => stats.size,
          () => 0,
        );
        return new FolderClaim({ folder, lock, file: await replaceLedger(path, size), size });
      }),
  };
}

interface FolderClaimParts {
  readonly folder: string;
  readonly lock: RunLock;
  readonly file: FileHandle;
  readonly size: number;
}

class FolderClaim implements LedgerClaim {
  readonly #parts: FolderClaimParts;
  #size: number;

  constructor(parts: FolderClaimParts) {
    this.#parts = parts;
    this.#size = parts.size;
  }

  append(at: number, bytes: Uint8Array): Promise<void> {
    const { folder, file } = this.#parts;
    return translated(folder, async () => {
      if (at + bytes.byteLength !== this.#size) {
        if (!(await this.isHeld())) throw fenced(folder);
        if (at !== this.#size)
          throw new Error(`append at byte ${at} of the ledger of ${folder}, expected ${this.#size}`);
        await file.appendFile(bytes);
        this.#size += bytes.byteLength;
      }
      await file.datasync();
      // Only now: whoever takes over says so before it reads, so what was on disk before that is in its copy.
      if (!(await this.isHeld())) throw fenced(folder);
    });
  }

  isHeld(): Promise<boolean> {
    return this.#parts.lock.isHeld();
  }

  async release(): Promise<void> {
    await this.#parts.file.close();
    await this.#parts.lock.release();
  }
}

/** What the disk refuses, as a store says it. */
function translated<T>(place: string, act: () => Promise<T>): Promise<T> {
  return storing(act, (caught) => {
    const { code = '', message } = caught as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return full(place, message, caught);
    if (diskRefusal(caught) === undefined) return caught;
    return refused(place, message, 'mend its rights, or name another place', caught);
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT' || caught.code === 'ENOTDIR') return [];
    throw caught;
  });
}
