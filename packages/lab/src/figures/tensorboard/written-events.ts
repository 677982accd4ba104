/**
 * What the event files in a folder say already. A coordinator that continues a run writes a new file with what is missing:
 * TensorBoard reads files in the order of their names, so that it sees every step once.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { isHparamsEnd, readEvent } from './events.js';
import { RecordReader } from './record-framing.js';
import { CONFIGURATION, EVALUATION, TRAIN_LOSS, WEIGHTS } from './tags.js';

const CHUNK_BYTES = 1 << 20;
const MOST_RECORD_BYTES = 1 << 26;
const OWN_NAME = /^events\.out\.tfevents\.(\d+)\..*\.facet$/;

export class WrittenEvents {
  /** The last step whose scalars are there. */
  lastStep = 0;
  /** Steps whose evaluation is there. */
  readonly evaluations = new Set<number>();
  /** Steps whose weights are there. */
  readonly weights = new Set<number>();
  hasConfiguration = false;
  hasEnd = false;

  /** Takes in an event. @throws RangeError when it is none */
  add(event: Uint8Array): void {
    const { step, tags } = readEvent(event);
    for (const tag of tags) {
      if (tag === TRAIN_LOSS) this.lastStep = Math.max(this.lastStep, step);
      else if (tag.startsWith(EVALUATION)) this.evaluations.add(step);
      else if (tag.startsWith(WEIGHTS)) this.weights.add(step);
      else if (tag === CONFIGURATION) this.hasConfiguration = true;
      else if (isHparamsEnd(tag)) this.hasEnd = true;
    }
  }
}

/** Our event files in a folder, in the order in which TensorBoard reads them; none if there is no folder. */
export function ownEventFiles(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => OWN_NAME.test(name))
    .sort();
}

/** Event files of other programs in a folder. */
export function otherEventFiles(folder: string): string[] {
  return namesIn(folder).filter((name) => name.includes('tfevents') && !OWN_NAME.test(name));
}

/** A name that TensorBoard reads after those that are there, whatever the clocks of two machines say. */
export function nextEventFile(names: readonly string[], { nowMs, host }: { nowMs: number; host: string }): string {
  const seconds = names.map((name) => Number(OWN_NAME.exec(name)?.[1] ?? 0));
  const next = Math.max(Math.floor(nowMs / 1_000), ...seconds.map((second) => second + 1));
  return `events.out.tfevents.${String(next).padStart(10, '0')}.${host.replaceAll(/[^\w.-]/g, '_')}.facet`;
}

/** Reads what is in our event files of a folder. @throws the system's error when one cannot be read */
export function readWrittenEvents(folder: string): WrittenEvents {
  const written = new WrittenEvents();
  for (const name of ownEventFiles(folder)) readFile(path.join(folder, name), written);
  return written;
}

function readFile(file: string, written: WrittenEvents): void {
  const opened = openSync(file, 'r');
  try {
    const reader = new RecordReader((event) => {
      written.add(event);
    }, MOST_RECORD_BYTES);
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const length = readSync(opened, chunk);
      if (length === 0 || !reader.push(chunk.subarray(0, length))) return;
    }
  } finally {
    closeSync(opened);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw caught;
  }
}
