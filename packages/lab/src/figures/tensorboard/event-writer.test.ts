/** Event files of a run that trains: whatever interrupts it, they say together what the ledger says, each thing once. */
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerChain, OPERATION_DEFAULTS, type LedgerRecord } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { ratesOf } from '../../evaluation/rates-of-run.js';
import { followLedger } from './event-follower.js';
import { exportEvents } from './export-events.js';
import { EventWriter } from './event-writer.js';
import { RecordReader } from './record-framing.js';

const config = { ...PRESETS['mnist-fast'], ...OPERATION_DEFAULTS, preset: 'mnist-fast' as const, run: 'demo' };
const NOW = Date.UTC(2026, 10, 30);
const at = new Date(NOW).toISOString();

let folder = '';
let ledger = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-follow-'));
  ledger = path.join(folder, 'ledger.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

/** Six steps with an evaluation after every second, which a resume makes again, and the end. */
function lines(): string[] {
  const hash = 'a'.repeat(64);
  const records: LedgerRecord[] = [
    {
      ...{ kind: 'run', version: 2, run: 'demo', dataset: 'mnist', datasetSha256: hash, trainSamples: 8, seed: 1 },
      ...{ globalBatch: 4, microBatch: 2, epochs: 3, configSha256: hash, at },
    },
  ];
  for (let step = 1; step <= 6; step++) {
    const epoch = Math.floor((step - 1) / 2);
    records.push({
      ...{ kind: 'commit', step, epoch, generation: 1, samples: new Uint32Array(4), loss: 1 / step },
      ...{ weightsCrc: '0000000a', at },
    });
    if (step % 2 === 1) continue;
    records.push({ kind: 'evaluation', step, epoch, testAccuracy: 0.5, testLoss: 2, at });
    records.push({ kind: 'resume', fromStep: step, at });
    records.push({ kind: 'evaluation', step, epoch, testAccuracy: 0.5, testLoss: 2, at });
  }
  records.push({ kind: 'end', reason: 'finished', step: 6, at });
  const chain = new LedgerChain();
  return records.map((record) => chain.append(record));
}

const board = (): string => path.join(folder, 'tensorboard');
const checkpoints = (): string => path.join(folder, 'checkpoints');

function follower(nowMs = NOW): EventWriter {
  return new EventWriter({ ledger, checkpoints: checkpoints(), folder: board(), config, host: 'a/b' }, nowMs);
}

/** The events of files that are read in this order, without the first one of each, which says the format. */
async function eventsIn(files: readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for (const file of files) {
    const events: string[] = [];
    new RecordReader((event) => events.push(Buffer.from(event).toString('hex')), 1 << 20).push(await readFile(file));
    all.push(...events.slice(1));
  }
  return all;
}

async function followed(): Promise<string[]> {
  return eventsIn((await readdir(board())).sort().map((name) => path.join(board(), name)));
}

async function exported(): Promise<string[]> {
  const file = path.join(folder, 'whole');
  await exportEvents({ ledger, checkpoints: checkpoints(), run: { config, rateAt: ratesOf(config) }, file });
  return eventsIn([file]);
}

describe('a follower of a ledger', () => {
  it('writes a record once its line is whole', async () => {
    const text = lines().join('');
    await writeFile(ledger, '');
    using following = follower();
    for (let start = 0; start < text.length; start += 97) {
      await appendFile(ledger, text.slice(start, start + 97));
      following.poll();
    }
    expect(await followed()).toEqual(await exported());
    // Six steps, three evaluations, options and configuration, the end.
    expect(await followed()).toHaveLength(6 + 3 + 2 + 1);
  });

  it('goes on after every record without a gap and without saying anything twice, also where clocks differ', async () => {
    const all = lines();
    for (let count = 1; count <= all.length; count++) {
      await writeFile(ledger, all.slice(0, count).join(''));
      // The clock of each further coordinator is behind the one before.
      using following = follower(NOW - 60_000 * count);
      following.poll();
    }
    expect(await readdir(board())).toHaveLength(all.length);
    expect(await followed()).toEqual(await exported());
  });

  it('writes again what a crash cut short', async () => {
    await writeFile(ledger, lines().join(''));
    {
      using first = follower();
      first.poll();
    }
    const [name] = await readdir(board());
    const file = path.join(board(), name!);
    const { byteLength } = await readFile(file);
    for (const cut of [3, 100, 400]) {
      await truncate(file, byteLength - cut);
      using second = follower();
      second.poll();
      expect(await followed()).toEqual(await exported());
      for (const later of (await readdir(board())).filter((other) => other !== name))
        await rm(path.join(board(), later));
    }
  });

  it('does not write what its successor commits', async () => {
    const all = lines();
    await writeFile(ledger, all.slice(0, 3).join(''));
    using earlier = follower();
    earlier.poll();
    const before = await followed();
    // As whoever claims a ledger does.
    await rm(ledger);
    await writeFile(ledger, all.join(''));
    earlier.poll();
    expect(await followed()).toEqual(before);
  });
});

describe('the thread that follows a ledger', () => {
  it('has written everything once it has finished', async () => {
    await writeFile(ledger, lines().join(''));
    const troubles: string[] = [];
    const thread = followLedger({ ledger, checkpoints: checkpoints(), folder: board(), config }, (reason) =>
      troubles.push(reason),
    );
    await thread.finish();
    expect(troubles).toEqual([]);
    expect(await followed()).toEqual(await exported());
  });

  it('says once why it cannot write, and finishes nevertheless', async () => {
    await writeFile(ledger, lines().join(''));
    await writeFile(board(), 'a file stands in the way');
    const troubles: string[] = [];
    const thread = followLedger({ ledger, checkpoints: checkpoints(), folder: board(), config }, (reason) =>
      troubles.push(reason),
    );
    await thread.finish();
    await thread.finish();
    expect(troubles).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]);
  });
});
