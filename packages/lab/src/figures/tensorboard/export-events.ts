/** The events of a run that has been recorded, as one new file. */
import path from 'node:path';
import { readLedgerFile } from '@facet/shared';
import { FileSink } from '../table-file.js';
import { versionEvent } from './events.js';
import { LedgerEvents, type LedgerEventsParts } from './ledger-events.js';
import { framedRecord } from './record-framing.js';
import { storedHistograms } from './stored-weights.js';
import { WrittenEvents } from './written-events.js';

export interface EventExport {
  readonly ledger: string;
  readonly checkpoints: string;
  readonly run: LedgerEventsParts['run'];
  /** The file to write. */
  readonly file: string;
}

/** Writes the file. @throws the system's error when it cannot be written or the ledger cannot be read */
export async function exportEvents({ ledger, checkpoints, run, file }: EventExport): Promise<{
  readonly name: string;
  readonly bytes: number;
  readonly steps: number;
  readonly evaluations: number;
}> {
  const sink = new FileSink(file);
  try {
    const write = (event: Uint8Array): void => {
      sink.write(framedRecord(event));
    };
    const weightsOf: LedgerEventsParts['weightsOf'] = (record) => storedHistograms(checkpoints, record);
    const events = new LedgerEvents({ run, written: new WrittenEvents(), weightsOf, write });
    let isFirst = true;
    await readLedgerFile(ledger, (record) => {
      if (isFirst) write(versionEvent(record.at));
      isFirst = false;
      events.add(record);
    });
    return { name: path.basename(file), bytes: sink.end(), ...events.counts };
  } finally {
    sink.discard();
  }
}
