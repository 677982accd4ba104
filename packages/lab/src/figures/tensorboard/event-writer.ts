/**
 * Follows the ledger of a run that trains, and writes event files. It keeps the file that it opened: a coordinator that takes
 * the run over gives the ledger's name to a copy, so an earlier one never writes what its successor commits.
 */
import { closeSync, mkdirSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { LedgerTail, PRIVATE_FOLDER, type RunConfig } from '@facet/shared';
import { ratesOf } from '../../evaluation/rates-of-run.js';
import { writeAll } from '../table-file.js';
import { versionEvent } from './events.js';
import { LedgerEvents } from './ledger-events.js';
import { framedRecord } from './record-framing.js';
import { storedHistograms } from './stored-weights.js';
import { nextEventFile, ownEventFiles, readWrittenEvents } from './written-events.js';

/** What is followed, and where to. Plain data: it goes to a thread. */
export interface FollowPlan {
  readonly ledger: string;
  readonly checkpoints: string;
  /** For the event files; made where there is none. */
  readonly folder: string;
  readonly config: RunConfig;
  readonly host: string;
}

export class EventWriter implements Disposable {
  readonly #ledger: number;
  readonly #file: number;
  readonly #tail: LedgerTail;
  #waiting: Uint8Array[] = [];

  /** @throws the system's error when the ledger cannot be read or the folder cannot be written */
  constructor({ ledger, checkpoints, folder, config, host }: FollowPlan, nowMs: number) {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    const written = readWrittenEvents(folder);
    const name = nextEventFile(ownEventFiles(folder), { nowMs, host });
    this.#ledger = openSync(ledger, 'r');
    try {
      this.#file = openSync(path.join(folder, name), 'wx');
    } catch (caught) {
      closeSync(this.#ledger);
      throw caught;
    }
    const write = (event: Uint8Array): void => {
      this.#waiting.push(framedRecord(event));
    };
    const events = new LedgerEvents({
      ...{ run: { config, rateAt: ratesOf(config) }, written, write },
      weightsOf: (record) => storedHistograms(checkpoints, record),
    });
    this.#tail = new LedgerTail((record) => {
      events.add(record);
    });
    write(versionEvent(new Date(nowMs).toISOString()));
  }

  /** Writes what the ledger says since the last call. @throws the system's error when it cannot be written */
  poll(): void {
    let bytes: Uint8Array;
    do {
      this.#flush();
      const chunk = new Uint8Array(this.#tail.wanted);
      bytes = chunk.subarray(0, readSync(this.#ledger, chunk, 0, chunk.length, this.#tail.offset));
    } while (this.#tail.take(bytes));
    this.#flush();
  }

  [Symbol.dispose](): void {
    closeSync(this.#ledger);
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    writeAll(this.#file, Buffer.concat(this.#waiting));
    this.#waiting = [];
  }
}
