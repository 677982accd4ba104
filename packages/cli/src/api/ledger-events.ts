/**
 * What happens in a run, as its ledger says it: the file is read while it grows. The reader asks for one event after the
 * other, so nothing is kept for it and nothing is lost, however late or slow it is.
 */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerReader, type LedgerRecord } from '@facet/shared';

/** Steps are counted from 1, epochs from 0. */
export type TrainingEvent =
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly epoch: number;
      /** Mean over the samples of the step. */
      readonly loss: number;
    }
  | {
      /** After an epoch, on the split that the configuration says. */
      readonly kind: 'evaluation';
      readonly step: number;
      readonly epoch: number;
      readonly loss: number;
      /** Absent where answers are no classes. */
      readonly accuracy?: number;
      /** The task's own figures, by name. */
      readonly metrics: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'fault'; readonly step: number; readonly code: string; readonly message: string }
  | { readonly kind: 'ended'; readonly step: number; readonly reason: 'finished' | 'stopped' | 'failed' };

const POLL_MS = 100;
const CHUNK_BYTES = 1 << 16;

/**
 * The events of a run from its first step on.
 *
 * @param file the ledger, which may not exist yet
 * @param isOver true when nobody writes into it any more
 */
export async function* followLedger(file: string, isOver: () => boolean): AsyncGenerator<TrainingEvent, void> {
  const found: TrainingEvent[] = [];
  const reader = new LedgerReader((record) => {
    const event = eventOf(record);
    if (event !== undefined) found.push(event);
  });
  let offset = 0;
  for (;;) {
    // Asked before it is read: what was written until then is read.
    const isLast = isOver();
    const bytes = await readFrom(file, offset);
    offset += bytes.length;
    reader.push(bytes);
    yield* found.splice(0);
    if (bytes.length > 0) continue;
    if (isLast) return;
    await delay(POLL_MS);
  }
}

/** At most CHUNK_BYTES; none when there is no such file. */
async function readFrom(file: string, offset: number): Promise<Uint8Array> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
    return buffer.subarray(0, bytesRead);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    throw caught;
  }
}

/** Undefined for records that are no news of the training. */
function eventOf(record: LedgerRecord): TrainingEvent | undefined {
  switch (record.kind) {
    case 'commit': {
      const { step, epoch, loss } = record;
      return { kind: 'step', step, epoch, loss };
    }
    case 'evaluation': {
      const { step, epoch, testLoss: loss, testAccuracy: accuracy, metrics = {} } = record;
      return { kind: 'evaluation', step, epoch, loss, ...(accuracy !== undefined && { accuracy }), metrics };
    }
    case 'held-out-evaluation': {
      const { step, epoch, heldOutLoss: loss, heldOutAccuracy: accuracy, metrics = {} } = record;
      return { kind: 'evaluation', step, epoch, loss, ...(accuracy !== undefined && { accuracy }), metrics };
    }
    case 'fault': {
      const { step, code, message } = record;
      return { kind: 'fault', step, code, message };
    }
    case 'end':
      return { kind: 'ended', step: record.step, reason: record.reason };
    default:
      return undefined;
  }
}
