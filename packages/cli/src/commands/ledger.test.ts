/** `facet ledger check` on ledgers that are clean, lack a sample, repeat one, or are damaged. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatRecord, LedgerChain, permutation, type LedgerRecord } from '@facet/shared';
import { runInProcess, type CliEnd } from '../../test/run-cli.js';

const at = '2026-03-01T12:00:00.000Z';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-ledger-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** As the plan has them. */
const STEPS = [0, 1].flatMap((epoch) => {
  const order = [...permutation(1, epoch, 6)];
  return [order.slice(0, 4), order.slice(4)].map((ids) => ({ epoch, ids }));
});

/** Two epochs of six samples in steps of four; `edit` changes the samples of one step. */
function records(edit: (step: number, ids: number[]) => number[] = (_, ids) => ids): LedgerRecord[] {
  const hash = 'a'.repeat(64);
  const head: LedgerRecord = {
    kind: 'run',
    version: 2,
    run: 'demo',
    dataset: 'mnist',
    datasetSha256: hash,
    trainSamples: 6,
    seed: 1,
    globalBatch: 4,
    microBatch: 2,
    epochs: 2,
    configSha256: hash,
    at,
  };
  const commits = STEPS.map(({ epoch, ids }, index): LedgerRecord => {
    const step = index + 1;
    const samples = Uint32Array.from(edit(step, ids));
    return { kind: 'commit', step, epoch, generation: 1, samples, loss: 1, weightsCrc: '0000000a', at };
  });
  return [head, ...commits];
}

async function check(text: string, ...flags: readonly string[]): Promise<CliEnd> {
  const file = path.join(folder, 'ledger.jsonl');
  await writeFile(file, text);
  return runInProcess(['ledger', 'check', file, ...flags], {});
}

function textOf(of: readonly LedgerRecord[]): string {
  const chain = new LedgerChain();
  return of.map((record) => chain.append(record)).join('');
}

test('a clean ledger passes, with the proof per epoch', async () => {
  const text = textOf(records());
  const { code, stdout } = await check(text);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      `ledger ${path.join(folder, 'ledger.jsonl')} of run demo: 4 steps, 0 faults, 0 replays`,
      'epoch  expected  committed  missing  duplicated',
      '    1         6          6        0           0',
      '    2         6          6        0           0',
      '  all        12         12        0           0',
      `sha256 ${createHash('sha256').update(text).digest('hex')}`,
      'clean: every sample of every epoch was committed exactly once, as planned',
      '',
    ].join('\n'),
  );
});

test('a ledger with one sample removed fails, and the sample is named', async () => {
  const [kept, removed] = STEPS[1]!.ids;
  const text = textOf(records((step, ids) => (step === 2 ? [kept!] : ids)));
  const { code, stdout } = await check(text);
  expect(code).toBe(1);
  expect(stdout).toContain('    1         6          5        1           0\n');
  expect(stdout).toContain(`problem: epoch 1: 1 of 6 samples are missing, e.g. ${removed}\n`);
  expect(stdout).toMatch(/NOT clean\n$/);
  const json = await check(text, '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    run: 'demo',
    clean: false,
    expected: 12,
    committed: 11,
    missing: 1,
    duplicated: 0,
  });
});

test('a ledger with one sample repeated fails', async () => {
  const { code, stdout } = await check(
    textOf(records((step, ids) => (step === 4 ? [...ids, ids[0]!] : ids))),
    '--json',
  );
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ clean: false, missing: 0, duplicated: 1 });
});

test('an unfinished run is not clean, and the epochs to come are not listed', async () => {
  const { code, stdout } = await check(textOf(records().slice(0, 3)));
  expect(code).toBe(1);
  expect(stdout).toContain('1 of 2 epochs have not begun\n');
});

test('a line that was edited by hand is named, and fails the check', async () => {
  const lines = textOf(records()).split('\n');
  lines[2] = lines[2]!.replace('"loss":1', '"loss":2');
  const { code, stdout } = await check(lines.join('\n'));
  expect(code).toBe(1);
  expect(stdout).toContain('problem: line 3 is damaged: ');
  expect(stdout).toContain('problem: step 2 is not committed before step 3\n');
});

test('a torn last line is told, and does not count', async () => {
  const { code, stdout } = await check(`${textOf(records())}{"kind":"comm`);
  expect(code).toBe(0);
  expect(stdout).toContain('note: the last line is torn');
});

test.each([
  ['that is empty', ''],
  ['that is something else', 'hello\nworld\n'],
])('a file %s is no ledger: exit code 2', async (_, text) => {
  const { code, stderr, stdout } = await check(text);
  expect(code).toBe(2);
  expect(stderr).toContain(`error [LEDGER_INVALID]: ${path.join(folder, 'ledger.jsonl')} cannot be read as a ledger`);
  expect(stdout).toBe('');
});

test('a file that is not there is exit code 2', async () => {
  const missing = path.join(folder, 'nowhere.jsonl');
  const { code, stderr } = await runInProcess(['ledger', 'check', missing], {});
  expect(code).toBe(2);
  expect(stderr).toContain(`error [LEDGER_INVALID]: ${missing}: there is no such file`);
});

test('a ledger of an earlier version passes, and says what its lines do not prove', async () => {
  const old = records().map((record) => (record.kind === 'run' ? { ...record, version: 1 as const } : record));
  const { code, stdout } = await check(old.map((record) => `${formatRecord(record)}\n`).join(''));
  expect(code).toBe(0);
  expect(stdout).toContain('note: lines of an earlier version of Facet do not vouch for the lines before them\n');
});

test('samples that changed places between steps fail the check', async () => {
  const [first, second] = [STEPS[0]!.ids[0]!, STEPS[1]!.ids[0]!];
  const swap = (id: number): number => (id === first ? second : id === second ? first : id);
  const { code, stdout } = await check(textOf(records((step, ids) => (step <= 2 ? ids.map(swap) : ids))));
  expect(code).toBe(1);
  expect(stdout).toContain(`problem: step 1 has sample ${second} in place 0, the plan says sample ${first}\n`);
});
