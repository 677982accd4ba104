/**
 * Makes the ledger in a run's folder and the one in its store the same. The store's is the truth. The folder's is written
 * first, so it may have records at its end that the store has not: they are sent if nobody has written since, and kept
 * aside if somebody has, because then they were never acknowledged.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PRIVATE_FILE, readLedgerFile, syncFolder } from '@facet/shared';
import { requireSound } from '../ledger/ledger-file.js';
import type { LedgerClaim, LedgerShelf } from '../store/run-store.js';

const SENT_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface ReconcileOptions {
  /** The ledger's file; it may be missing. */
  readonly path: string;
  readonly ledger: LedgerShelf;
  /** With it the store gets what only the folder has. Without it the store is only read. */
  readonly claim?: LedgerClaim | undefined;
}

export interface Reconciled {
  /** Bytes that both have now; without a claim, bytes that the store has. */
  readonly bytes: number;
  /** Bytes that the store got. */
  readonly sent: number;
  /** Bytes that the folder got. */
  readonly fetched: number;
  /** Where the folder's ledger is that the store contradicts. */
  readonly aside: string | undefined;
}

/** @throws TrainingError LEDGER_INVALID when the folder has records to send that cannot be read. */
export async function reconcileLedger({ path, ledger, claim }: ReconcileOptions): Promise<Reconciled> {
  const fetchedPath = `${path}.fetched`;
  await rm(fetchedPath, { force: true });
  await using local = await openOrNothing(path);
  let same = 0;
  let bytes = 0;
  let fetched: FileHandle | undefined;
  try {
    for await (const piece of ledger.read()) {
      if (fetched === undefined) {
        const equal = await equalBytes(local, same, piece);
        same += equal;
        if (equal < piece.byteLength) {
          fetched = await open(fetchedPath, 'ax', PRIVATE_FILE);
          await copyStart(local, same, fetched);
          await fetched.appendFile(piece.subarray(equal));
        }
      } else {
        await fetched.appendFile(piece);
      }
      bytes += piece.byteLength;
    }
    if (fetched !== undefined) {
      await fetched.sync();
      const aside = local.bytes > same ? `${path}.unsent-${Date.now()}` : undefined;
      if (aside !== undefined) await rename(path, aside);
      await rename(fetchedPath, path);
      await syncFolder(dirname(path));
      return { bytes, sent: 0, fetched: bytes - same, aside };
    }
  } finally {
    await fetched?.close();
    await rm(fetchedPath, { force: true });
  }
  const sent = claim === undefined || local.bytes === bytes ? 0 : await sendRest(path, { local, claim, at: bytes });
  return { bytes: bytes + sent, sent, fetched: 0, aside: undefined };
}

interface LocalLedger extends AsyncDisposable {
  readonly handle: FileHandle | undefined;
  readonly bytes: number;
}

async function openOrNothing(path: string): Promise<LocalLedger> {
  try {
    const handle = await open(path, 'r');
    const { size } = await handle.stat();
    return { handle, bytes: size, [Symbol.asyncDispose]: () => handle.close() };
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'ENOENT') throw caught;
    return { handle: undefined, bytes: 0, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

async function readAt({ handle }: LocalLedger, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  if (handle === undefined) return bytes.subarray(0, 0);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

/** How many bytes of a piece stand in the file from a position on. */
async function equalBytes(local: LocalLedger, position: number, piece: Uint8Array): Promise<number> {
  const own = await readAt(local, position, piece.byteLength);
  const different = own.findIndex((byte, index) => byte !== piece[index]);
  return different < 0 ? own.byteLength : different;
}

async function copyStart(local: LocalLedger, length: number, target: FileHandle): Promise<void> {
  for (let position = 0; position < length;) {
    const piece = await readAt(local, position, Math.min(SENT_BYTES, length - position));
    await target.appendFile(piece);
    position += piece.byteLength;
  }
}

interface SendOptions {
  readonly local: LocalLedger;
  readonly claim: LedgerClaim;
  readonly at: number;
}

/** Sends the whole lines after a position; a torn tail was never acknowledged by anybody. */
async function sendRest(path: string, { local, claim, at }: SendOptions): Promise<number> {
  const end = await readLedgerFile(path, () => undefined);
  requireSound(path, end);
  let position = at;
  while (position < end.soundBytes) {
    let piece = await readAt(local, position, Math.min(SENT_BYTES, end.soundBytes - position));
    const lastLine = piece.lastIndexOf(NEWLINE) + 1;
    if (lastLine > 0) piece = piece.subarray(0, lastLine);
    await claim.append(position, piece);
    position += piece.byteLength;
  }
  return position - at;
}
