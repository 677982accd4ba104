import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formatRecord, type LedgerRecord } from '@facet/shared';
import { followLedger } from './ledger-events.js';

const at = '2026-11-29T10:00:00.000Z';

let folder = '';
let file = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-events-'));
  file = path.join(folder, 'ledger.jsonl');
});

afterEach(() => rm(folder, { recursive: true }));

const line = (record: LedgerRecord): string => `${formatRecord(record)}\n`;

function commit(step: number, samples = 4): LedgerRecord {
  const weightsCrc = '00000000';
  return {
    kind: 'commit',
    step,
    epoch: 0,
    generation: 1,
    samples: new Uint32Array(samples),
    loss: 0.5,
    weightsCrc,
    at,
  };
}

it('gives what is written while it reads, whole lines only, and ends when nobody writes any more', async () => {
  let isOver = false;
  const events = followLedger(file, () => isOver);
  const first = events.next();
  // Longer than one read.
  await appendFile(file, line(commit(1, 30_000)));
  expect((await first).value).toEqual({ kind: 'step', step: 1, epoch: 0, loss: 0.5 });

  const fault = line({ kind: 'fault', generation: 1, step: 1, code: 'PEER_UNAVAILABLE', message: 'gone', at });
  await appendFile(file, line(commit(2)) + fault.slice(0, 20));
  expect((await events.next()).value).toMatchObject({ kind: 'step', step: 2 });
  await appendFile(file, fault.slice(20));
  expect((await events.next()).value).toEqual({ kind: 'fault', step: 1, code: 'PEER_UNAVAILABLE', message: 'gone' });

  const evaluation = {
    kind: 'held-out-evaluation',
    step: 2,
    epoch: 0,
    heldOutAccuracy: 0.75,
    heldOutLoss: 0.4,
    at,
  } as const;
  await appendFile(file, line(evaluation) + line({ kind: 'end', reason: 'finished', step: 2, at }));
  isOver = true;
  const rest = [];
  for await (const event of events) rest.push(event);
  expect(rest).toEqual([
    { kind: 'evaluation', step: 2, epoch: 0, loss: 0.4, accuracy: 0.75, metrics: {} },
    { kind: 'ended', step: 2, reason: 'finished' },
  ]);
});

it('gives nothing of a run that never began', async () => {
  const events = [];
  for await (const event of followLedger(file, () => true)) events.push(event);
  expect(events).toEqual([]);
});
