/**
 * Copies a run from one store to another: documents and checkpoints first, the ledger last, because a run without one is
 * none. A checkpoint's parts go before its manifest. The target must have no such run.
 */
import { TrainingError } from '@facet/shared';
import { readAll, contentOf, type ObjectShelf, type RunStore } from '../store/run-store.js';
import { CONFIG_FILE } from '../run-files.js';
import { hasStoredLedger, withoutLogin } from './attached-run.js';

/** Objects up to this size are copied at once, which allows a retry. */
const AT_ONCE_BYTES = 1 << 20;
const MANIFEST = '/run.json';

export interface CopiedRun {
  readonly objects: number;
  readonly bytes: number;
}

/** @throws TrainingError RUN_NOT_FOUND or RUN_EXISTS naming the place. */
export async function copyRun(from: RunStore, to: RunStore): Promise<CopiedRun> {
  if (!(await hasStoredLedger(from))) {
    throw new TrainingError('RUN_NOT_FOUND', `there is no run in ${from.place}; check the place and the name`);
  }
  if (await hasStoredLedger(to)) {
    throw new TrainingError('RUN_EXISTS', `there is a run in ${to.place} already; choose another place`);
  }
  const names = await from.objects.list('');
  const isManifest = (name: string): boolean => name.endsWith(MANIFEST);
  let bytes = 0;
  for (const name of [...names.filter((each) => !isManifest(each)), ...names.filter(isManifest)]) {
    bytes += await copyObject(from.objects, to.objects, name);
  }
  const claim = await to.ledger.claim();
  try {
    let at = 0;
    for await (const piece of from.ledger.read()) {
      await claim.append(at, piece);
      at += piece.byteLength;
    }
    return { objects: names.length, bytes: bytes + at };
  } finally {
    await claim.release();
  }
}

async function copyObject(from: ObjectShelf, to: ObjectShelf, name: string): Promise<number> {
  const object = await from.get(name);
  // It was removed meanwhile.
  if (object === undefined) return 0;
  const { bytes, pieces } = object;
  if (name === CONFIG_FILE) {
    await to.put(name, contentOf(withoutLogin(new TextDecoder().decode(await readAll(object)))));
  } else if (bytes <= AT_ONCE_BYTES) await to.put(name, contentOf(await readAll(object)));
  else await to.put(name, { bytes, pieces: () => pieces });
  return bytes;
}
