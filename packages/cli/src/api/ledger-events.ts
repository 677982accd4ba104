/**
 * What happens in a run, as its ledger says it: the file is read while it grows. The reader asks for one event after the
 * other, so nothing is kept for it and nothing is lost, however late or slow it is.
 */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { historyItem, LedgerTail, type LedgerRecord } from '@facet/shared';

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

/**
 * The events of a run from its first step on.
 *
 * @param file the ledger, which may not exist yet
 * @param isOver true when nobody writes into it any more
 */
export async function* followLedger(file: string, isOver: () => boolean): AsyncGenerator<TrainingEvent, void> {
  const found: TrainingEvent[] = [];
  const tail = new LedgerTail((record) => {
    const event = eventOf(record);
    if (event !== undefined) found.push(event);
  });
  for (;;) {
    // Asked before it is read: what was written until then is read.
    const isLast = isOver();
    const hasMore = tail.take(await readAt(file, tail));
    yield* found.splice(0);
    if (hasMore) continue;
    if (isLast) return;
    await delay(POLL_MS);
  }
}

/** What the tail wants; nothing when there is no such file. */
async function readAt(file: string, { offset, wanted }: LedgerTail): Promise<Uint8Array> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(new Uint8Array(wanted), 0, wanted, offset);
    return buffer.subarray(0, bytesRead);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    throw caught;
  }
}

/** Undefined for records that are no news of the training. */
function eventOf(record: LedgerRecord): TrainingEvent | undefined {
  const item = historyItem(record);
  switch (item.kind) {
    case 'step': {
      const { kind, step, epoch, loss } = item;
      return { kind, step, epoch, loss };
    }
    case 'evaluation': {
      const { kind, step, epoch, loss, accuracy, metrics = {} } = item;
      return { kind, step, epoch, loss, ...(accuracy !== undefined && { accuracy }), metrics };
    }
    case 'fault': {
      const { kind, step, code, message } = item;
      return { kind, step, code, message };
    }
    case 'end':
      return { kind: 'ended', step: item.step, reason: item.reason };
    default:
      return undefined;
  }
}
