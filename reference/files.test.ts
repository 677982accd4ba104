/**
 * Our files in the hands of others, and theirs in ours: safetensors, checkpoints, ledgers and ONNX. What Python wrote is
 * stored; what we write is read by Python where there is one.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '@facet/storage';
import {
  decodeSafetensors,
  encodeSafetensors,
  OPERATION_DEFAULTS,
  type CheckpointInfo,
  type ImageShape,
  type LedgerRecord,
  type ParameterLayout,
} from '@facet/shared';
import { PRESETS, type ModelConfig, type MultiView } from '@facet/multiview/config';
import { LedgerChain } from '../packages/shared/src/ledger/ledger-chain.js';
import { LedgerReader } from '../packages/shared/src/ledger/read-ledger.js';
import { exportModel } from '../packages/lab/src/export/export-model.js';
import { runOnnx } from '../packages/lab/src/export/run-export.js';
import { createModel } from '../packages/multiview/src/model/multi-view-transformer.js';
import { layoutParameters } from '../packages/task/src/arithmetic/parameters.js';
import { drawnPixels, drawnWeights } from './drawn-inputs.js';
import { requirePython, runPython } from './python-interpreter.js';
import { expectClose, storedFile, storedNumbers } from './stored-numbers.js';

type StoredRecord = Record<string, unknown> & {
  readonly samples?: readonly number[];
  readonly heldOut?: readonly number[];
};

const stored = storedNumbers<{
  records: readonly StoredRecord[];
  layout: readonly ParameterLayout[];
  facts: CheckpointInfo;
  state: Record<'weights' | 'm' | 'v' | 'ema', readonly number[]> & { step: number };
  tensors: Record<string, { shape: readonly number[]; values: readonly number[] }>;
}>('files');

/** With typed arrays, as the ledger has them. */
const records = stored.records.map(
  ({ samples, heldOut, ...rest }) =>
    ({
      ...rest,
      ...(samples && { samples: Uint32Array.from(samples) }),
      ...(heldOut && { heldOut: Uint32Array.from(heldOut) }),
    }) as unknown as LedgerRecord,
);

const state = {
  step: stored.state.step,
  weights: Float32Array.from(stored.state.weights),
  m: Float32Array.from(stored.state.m),
  v: Float32Array.from(stored.state.v),
  ema: Float32Array.from(stored.state.ema),
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-reference-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the reader script of Python says of a file. */
async function pythonReads<T>(kind: string, ...files: readonly string[]): Promise<T> {
  const { code, output } = await runPython('read_files.py', kind, ...files);
  expect(code, output).toBe(0);
  return JSON.parse(output) as T;
}

describe('a ledger', () => {
  it('of Python is read, its checksums and its chain are right, and we write the same bytes', async () => {
    const bytes = await readFile(storedFile('ledger.jsonl'));
    const found: LedgerRecord[] = [];
    const reader = new LedgerReader((record) => found.push(record));
    reader.push(bytes);
    const end = reader.end();
    expect(end.damaged).toEqual([]);
    expect(end).toMatchObject({ isChained: true, tornBytes: 0, lines: records.length });
    expect(found).toEqual(records);
    const chain = new LedgerChain();
    expect(records.map((record) => chain.append(record)).join('')).toBe(bytes.toString());
    expect(end.chain.sha256).toBe(chain.sha256);
  });

  it('of ours is read by Python', async (context) => {
    await requirePython(context);
    const chain = new LedgerChain();
    const file = path.join(folder, 'ledger.jsonl');
    await writeFile(file, records.map((record) => chain.append(record)).join(''));
    expect(await pythonReads('ledger', file)).toEqual(stored.records);
  });
});

describe('a safetensors file', () => {
  it('of Python has the values, shapes and metadata that Python wrote', async () => {
    const { tensors, metadata } = decodeSafetensors(await readFile(storedFile('tensors.safetensors')));
    const found = [...tensors].map(([name, { shape, values }]) => [name, { shape, values: [...values] }]);
    expect(Object.fromEntries(found)).toEqual(stored.tensors);
    expect(metadata).toEqual({ φ: 'two\nlines', n: '1' });
  });

  it('of ours has the same for Python', async (context) => {
    await requirePython(context);
    const read = decodeSafetensors(await readFile(storedFile('tensors.safetensors')));
    const file = path.join(folder, 'tensors.safetensors');
    await writeFile(file, encodeSafetensors(read));
    const { metadata, tensors } = await pythonReads<{ metadata: unknown; tensors: Record<string, object> }>(
      'tensors',
      file,
    );
    expect(metadata).toEqual(read.metadata);
    const types = { floats: 'float32', integers: 'int32', bytes: 'uint8' };
    for (const [name, tensor] of Object.entries(stored.tensors)) {
      expect(tensors[name]).toEqual({ ...tensor, type: types[name as keyof typeof types] ?? 'float32' });
    }
  });
});

describe('a checkpoint', () => {
  it('of Python is read, state and facts', async () => {
    const read = await readCheckpoint(storedFile('checkpoint'));
    expect(read.state).toEqual(state);
    expect(read.info).toEqual(stored.facts);
    expect(read.layout).toEqual(stored.layout);
  });

  it('of ours is read by Python, which finds every hash right', async (context) => {
    await requirePython(context);
    const { layout, facts: info } = stored;
    const written = await writeCheckpoint({ folder: path.join(folder, 'checkpoints'), state, layout, info });
    expect(await pythonReads('checkpoint', written.path)).toEqual({ run: info.run, ...stored.state });
  });
});

describe('an export to ONNX', () => {
  interface ModelCase {
    readonly name: string;
    readonly number: number;
    readonly image: ImageShape;
    readonly classes: number;
    readonly model: ModelConfig;
    readonly sampleWeights: readonly number[];
    readonly logits: readonly number[];
  }
  const { cases } = storedNumbers<{ cases: readonly ModelCase[] }>('model');
  const of = cases.find(({ name }) => name === 'cross, raw weights, relative bias')!;
  const batch = of.sampleWeights.length;
  let images: Float32Array;

  beforeAll(async () => {
    const { image, classes, number } = of;
    const { slots: layout } = layoutParameters(createModel({ image, classes, config: of.model }).parameters);
    const weights = drawnWeights(layout, number);
    images = drawnPixels(batch * image.channels * image.height * image.width, number);
    const config: MultiView = {
      ...PRESETS['mnist-fast'],
      ...OPERATION_DEFAULTS,
      preset: 'mnist-fast',
      run: 'reference',
      task: { ...PRESETS['mnist-fast'].task, options: { ...PRESETS['mnist-fast'].task.options, model: of.model } },
    };
    const exported = await exportModel({
      model: { config, image, classes, weights, layout },
      origin: { run: 'reference', step: 1, weightsSha256: '0'.repeat(64), classes: ['a', 'b', 'c'] },
      runFile: () => Promise.resolve('{}'),
      format: 'onnx',
      batch,
      folder: path.join(folder, 'export'),
      existing: 'refuse',
    });
    expect(exported.files.map(({ name }) => name)).toContain('model.onnx');
  });

  it('gives the logits of PyTorch', async () => {
    const model = { image: of.image, classes: of.classes } as Parameters<typeof runOnnx>[0]['model'];
    const { logits } = await runOnnx({ folder: path.join(folder, 'export'), model, batch, images });
    expectClose(logits, of.logits, 1e-5, 'logits');
  });

  it('gives them in ONNX Runtime for Python too', async (context) => {
    await requirePython(context);
    const { channels, height, width } = of.image;
    const file = path.join(folder, 'images.safetensors');
    const tensors = new Map([['images', { shape: [batch, channels, height, width], values: images }]]);
    await writeFile(file, encodeSafetensors({ tensors, metadata: {} }));
    const model = path.join(folder, 'export', 'model.onnx');
    const read = await pythonReads<{ inputs: unknown; logits: number[]; probabilities: number[] }>('onnx', model, file);
    expect(read.inputs).toEqual([['images', [batch, channels, height, width]]]);
    expectClose(read.logits, of.logits, 1e-5, 'logits');
    for (let row = 0; row < batch; row++) {
      const shares = read.probabilities.slice(row * of.classes, (row + 1) * of.classes);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    }
  });
});
