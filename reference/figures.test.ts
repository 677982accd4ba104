/**
 * The figures of a run in the hands of others: Python's csv, Parquet readers and TensorBoard. One event file was written by
 * TensorBoard's own messages and is stored, so that its format is tested without Python too.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATION_DEFAULTS, type LedgerRecord } from '@facet/shared';
import { writeCheckpoint } from '@facet/storage';
import { PRESETS } from '@facet/multiview/config';
import { ratesOf } from '../packages/lab/src/evaluation/rates-of-run.js';
import { exportFigures, type FigureFormat } from '../packages/lab/src/figures/export-figures.js';
import { LedgerChain } from '../packages/shared/src/ledger/ledger-chain.js';
import {
  hparamsEndEvent,
  hparamsEvent,
  histogramsEvent,
  scalarsEvent,
  textEvent,
  versionEvent,
} from '../packages/lab/src/figures/tensorboard/events.js';
import { framedRecord } from '../packages/lab/src/figures/tensorboard/record-framing.js';
import { requirePython, runPython } from './python-interpreter.js';
import { storedFile } from './stored-numbers.js';

const STEPS = 25;
const HARD_NAME = 'a "hard", name';
const config = { ...PRESETS['mnist-fast'], ...OPERATION_DEFAULTS, preset: 'mnist-fast' as const, run: 'demo' };
/** Float32 keeps it exactly, as every other figure of a step here. */
const loss = (step: number): number => 4 / step - 1 / 1024;
const atOf = (step: number): string => new Date(Date.UTC(2026, 10, 30, 7, 0, step, 125)).toISOString();

let folder = '';
let run = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-figures-'));
  run = path.join(folder, 'demo');
  await mkdir(run);
  await writeFile(path.join(run, 'config.json'), JSON.stringify(config));
  const checkpoint = await writeCheckpoint({
    folder: path.join(run, 'checkpoints'),
    state: { step: 20, weights: Float32Array.of(-1, 0, 0.25, 3, 7), m: new Float32Array(5), v: new Float32Array(5) },
    layout: [
      { name: 'a', shape: [2, 2], offset: 0, length: 4 },
      { name: 'b', shape: [1], offset: 4, length: 1 },
    ],
    info: {
      ...{ run: 'demo', step: 20, epoch: 1, config, codeVersion: 'test', ledgerStep: 20, metrics: {}, at: atOf(20) },
    },
  });
  const chain = new LedgerChain();
  const text = ledgerOf(checkpoint.weightsSha256).map((record) => chain.append(record));
  await writeFile(path.join(run, 'ledger.jsonl'), text.join(''));
});
afterAll(() => rm(folder, { recursive: true }));

/** Epochs of ten steps; step 1 lacks what ledgers of earlier versions lack. */
function ledgerOf(weightsSha256: string): LedgerRecord[] {
  const hash = 'a'.repeat(64);
  const head: LedgerRecord = {
    ...{ kind: 'run', version: 2, run: 'demo', dataset: 'mnist', datasetSha256: hash, trainSamples: 80, seed: 1 },
    ...{ globalBatch: 8, microBatch: 4, epochs: 3, configSha256: hash, at: atOf(0) },
  };
  const records: LedgerRecord[] = [head];
  for (let step = 1; step <= STEPS; step++) {
    const epoch = Math.floor((step - 1) / 10);
    records.push({
      ...{ kind: 'commit', step, epoch, generation: 1, samples: new Uint32Array(8), loss: loss(step) },
      ...{ weightsCrc: '0000000a', at: atOf(step) },
      ...(step > 1 && {
        ...{
          correct: 6,
          metrics: { [HARD_NAME]: 4 * step },
          seconds: 0.5,
          bytesExchanged: 2 ** 40,
          gradientNorm: step,
        },
        partsMs: { shardWait: 1, compute: 2.5, allReduce: 3, update: 4 },
      }),
    });
    if (step % 10 !== 0) continue;
    const evaluation = { step, epoch, testAccuracy: 0.75, testLoss: 1 / step, metrics: { [HARD_NAME]: 2 } };
    // A resume evaluates again.
    records.push({ kind: 'evaluation', ...evaluation, at: atOf(step) });
    records.push({ kind: 'evaluation', ...evaluation, at: atOf(step + 1) });
  }
  records.push({ kind: 'checkpoint', step: 20, weightsSha256, at: atOf(STEPS) });
  records.push({ kind: 'checkpoint', step: 25, weightsSha256: hash, at: atOf(STEPS) });
  records.push({ kind: 'end', reason: 'finished', step: STEPS, at: atOf(STEPS + 1) });
  return records;
}

async function exported(format: FigureFormat): Promise<string> {
  const to = path.join(folder, format, 'demo');
  const paths = { ledger: path.join(run, 'ledger.jsonl'), config: path.join(run, 'config.json') };
  const made = await exportFigures({
    ...{ ...paths, checkpoints: path.join(run, 'checkpoints'), format, folder: to, existing: 'replace' },
  });
  expect(made).toMatchObject({ steps: STEPS, evaluations: 2, warnings: [] });
  expect((await readdir(to)).sort()).toEqual(made.files.map(({ name }) => name).sort());
  return to;
}

async function pythonReads<T>(kind: string, file: string): Promise<T> {
  const { code, output } = await runPython('read_figures.py', kind, file);
  expect(code, output).toBe(0);
  return JSON.parse(output.slice(output.indexOf('\n{') + 1 || 0)) as T;
}

const rate = (step: number): number => ratesOf(config)(step, { stepsPerEpoch: 10, changes: [] });

/** A step as both tables have it. */
function rowOf(step: number): Record<string, number | null> {
  const later = <T>(value: T): T | null => (step === 1 ? null : value);
  return {
    ...{ step, epoch: Math.floor((step - 1) / 10), generation: 1, samples: 8, loss: loss(step) },
    ...{ accuracy: later(0.75), seconds: later(0.5), samples_per_second: later(16), learning_rate: rate(step) },
    ...{ gradient_norm: later(step), shard_wait_ms: later(1), compute_ms: later(2.5), all_reduce_ms: later(3) },
    ...{ update_ms: later(4), bytes: later(2 ** 40), [`metric.${HARD_NAME}`]: later(step / 2) },
  };
}

describe('the tables of a run', () => {
  it('are read by the csv module of Python', async (context) => {
    await requirePython(context, ['csv']);
    const to = await exported('csv');
    const rows = await pythonReads<Record<string, string>[]>('csv', path.join(to, 'steps.csv'));
    expect(rows).toHaveLength(STEPS);
    rows.forEach(({ time, ...row }, index) => {
      const numbers = Object.entries(row).map(([name, text]) => [name, text === '' ? null : Number(text)]);
      expect(Object.fromEntries(numbers)).toEqual(rowOf(index + 1));
      expect(time).toBe(atOf(index + 1));
    });
    const evaluations = await pythonReads<object[]>('csv', path.join(to, 'evaluations.csv'));
    const common = { split: 'test', accuracy: '0.75', [`metric.${HARD_NAME}`]: '2' };
    expect(evaluations).toEqual([
      { step: '10', epoch: '0', loss: '0.1', time: atOf(10), ...common },
      { step: '20', epoch: '1', loss: '0.05', time: atOf(20), ...common },
    ]);
    const text = await readFile(path.join(to, 'steps.csv'), 'utf8');
    expect(text.split('\r\n')).toHaveLength(STEPS + 2);
  });

  it('are read as Parquet by hyparquet', async () => {
    const to = await exported('parquet');
    const file = await asyncBufferFromFile(path.join(to, 'steps.parquet'));
    const rows = (await parquetReadObjects({ file })) as Record<string, unknown>[];
    expect(rows).toHaveLength(STEPS);
    rows.forEach(({ time, ...row }, index) => {
      const numbers = Object.entries(row).map(([name, value]) => [
        name,
        value === undefined || value === null ? null : Number(value),
      ]);
      expect(Object.fromEntries(numbers)).toEqual(rowOf(index + 1));
      expect(time).toEqual(new Date(atOf(index + 1)));
    });
  });

  it('are read as Parquet by pyarrow, with their types', async (context) => {
    await requirePython(context, ['pyarrow']);
    const to = await exported('parquet');
    interface Read {
      readonly types: Record<string, string>;
      readonly rows: readonly Record<string, unknown>[];
    }
    const { types, rows } = await pythonReads<Read>('parquet', path.join(to, 'steps.parquet'));
    expect(types).toMatchObject({ step: 'int64', bytes: 'int64', loss: 'double', time: 'timestamp[ms, tz=UTC]' });
    rows.forEach(({ time, ...row }, index) => {
      expect(row).toEqual(rowOf(index + 1));
      expect(Date.parse(String(time))).toBe(Date.parse(atOf(index + 1)));
    });
    const evaluations = await pythonReads<Read>('parquet', path.join(to, 'evaluations.parquet'));
    expect(evaluations.rows).toMatchObject([
      { step: 10, split: 'test', loss: 0.1 },
      { step: 20, accuracy: 0.75 },
    ]);
  });
});

describe('event files', () => {
  it('are byte for byte those of TensorBoard', async () => {
    const at = '2026-11-30T07:47:25.814Z';
    const place = (step: number): { step: number; at: string } => ({ step, at });
    const histogram = {
      ...{ min: -1, max: 2, count: 3, sum: 1, sumOfSquares: 5, limits: [0.5, 2], counts: [2, 1], others: 0 },
    };
    const events = [
      versionEvent(at),
      hparamsEvent(place(0), { run: 'demo', hparams: { dataset: 'mnist', epochs: 3, freeze: false, seed: 0 } }),
      textEvent(place(0), 'configuration', 'two\nlinés'),
      scalarsEvent(place(1), [
        ['train/loss', 2.25],
        ['train/accuracy', 0],
      ]),
      scalarsEvent(place(300), [['train/loss', -1e-3]]),
      histogramsEvent(place(300), new Map([['weights/a', histogram]])),
      hparamsEndEvent(place(300)),
    ];
    const bytes = Buffer.concat(events.map(framedRecord));
    expect(bytes.toString('hex')).toBe((await readFile(storedFile('events.tfevents'))).toString('hex'));
  });

  it('that are stored are what TensorBoard writes', async (context) => {
    await requirePython(context, ['tensorboard']);
    const file = path.join(folder, 'again.tfevents');
    const { code, output } = await runPython('write_events.py', file);
    expect(code, output).toBe(0);
    expect(await readFile(file)).toEqual(await readFile(storedFile('events.tfevents')));
  });

  it('show TensorBoard the steps, values and times of the ledger, and the weights of its checkpoints', async (context) => {
    await requirePython(context, ['tensorboard']);
    interface Read {
      readonly scalars: Record<string, readonly (readonly number[])[]>;
      readonly histograms: Record<string, unknown[]>;
      readonly text: readonly string[];
    }
    const { scalars, histograms, text } = await pythonReads<Read>('tensorboard', await exported('tensorboard'));
    const series = (of: (step: number) => number, from = 1): number[][] =>
      Array.from({ length: STEPS + 1 - from }, (_, index) => index + from).map((step) => [
        step,
        Date.parse(atOf(step)) / 1_000,
        Math.fround(of(step)),
      ]);
    expect(scalars).toEqual({
      'train/loss': series(loss),
      'train/learning_rate': series(rate),
      'train/accuracy': series(() => 0.75, 2),
      [`train/metric.${HARD_NAME}`]: series((step) => step / 2, 2),
      'train/gradient_norm': series((step) => step, 2),
      'throughput/samples_per_second': series(() => 16, 2),
      'throughput/bytes': series(() => 2 ** 40, 2),
      'time/step_seconds': series(() => 0.5, 2),
      'time/shard_wait_ms': series(() => 1, 2),
      'time/compute_ms': series(() => 2.5, 2),
      'time/all_reduce_ms': series(() => 3, 2),
      'time/update_ms': series(() => 4, 2),
      'evaluation/loss': [10, 20].map((step) => [step, Date.parse(atOf(step)) / 1_000, Math.fround(1 / step)]),
      'evaluation/accuracy': [10, 20].map((step) => [step, Date.parse(atOf(step)) / 1_000, 0.75]),
      [`evaluation/metric.${HARD_NAME}`]: [10, 20].map((step) => [step, Date.parse(atOf(step)) / 1_000, 2]),
    });
    expect(Object.keys(histograms)).toEqual(['weights/a', 'weights/b']);
    expect(histograms['weights/a']).toMatchObject([{ step: 20, min: -1, max: 3, num: 4, sum: 2.25 }]);
    expect(histograms['weights/b']).toMatchObject([
      { step: 20, min: 7, max: 7, num: 1, bucket_limit: [7], bucket: [1] },
    ]);
    expect(JSON.parse(text.join().split('\n').slice(1, -1).join('\n'))).toMatchObject({
      ...{ dataset: 'mnist', epochs: config.epochs, optimizer: config.optimizer },
    });
  });

  it('give the HParams plugin the options of the run and its last figures', async (context) => {
    await requirePython(context, ['tensorboard']);
    interface Read {
      readonly runs: readonly string[];
      readonly groups: readonly {
        readonly name: string;
        readonly hparams: Record<string, unknown>;
        readonly metricValues: readonly { name: { tag: string }; value: number; trainingStep: number }[];
        readonly sessions: readonly { status: string; startTimeSecs: number; endTimeSecs: number }[];
      }[];
    }
    const { runs, groups } = await pythonReads<Read>('hparams', path.dirname(await exported('tensorboard')));
    expect(runs).toEqual(['demo']);
    const [group] = groups;
    expect(group?.name).toBe('demo');
    expect(group?.hparams).toMatchObject({
      ...{ dataset: 'mnist', epochs: config.epochs, 'batch.global': config.batch.global, 'optimizer.name': 'adamw' },
    });
    expect(Object.keys(group!.hparams).filter((name) => /host|nats|tls|folder/i.test(name))).toEqual([]);
    const value = (tag: string): unknown => group?.metricValues.find(({ name }) => name.tag === tag);
    expect(value('train/loss')).toMatchObject({ value: Math.fround(loss(STEPS)), trainingStep: STEPS });
    expect(value('evaluation/accuracy')).toMatchObject({ value: 0.75, trainingStep: 20 });
    const times = { startTimeSecs: Date.parse(atOf(0)) / 1_000, endTimeSecs: Date.parse(atOf(STEPS + 1)) / 1_000 };
    expect(group?.sessions).toMatchObject([{ status: 'STATUS_SUCCESS', ...times }]);
  });
});
