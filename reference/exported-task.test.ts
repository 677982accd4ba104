/** ONNX files of users' tasks, run by onnxruntime for Python, which knows nothing of ours. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomKey, randomStream, type SampleFacts } from '@facet/shared';
import { exportTask, openModel } from '@facet/lab';
import { SHAPES, THROWS, untrained } from '../packages/lab/test/untrained-model.js';
import { requirePython, runPython } from './python-interpreter.js';

const BATCH = 3;
let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-onnx-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const CASES: readonly (readonly [example: string, samples: SampleFacts, field: string, dividedBy: number])[] = [
  ['layers-cnn', SHAPES, 'image', 255],
  ['regression', THROWS, 'features', 1],
];

it.for(CASES)(
  '%s answers in Python as here',
  { timeout: 120_000 },
  async ([example, samples, field, dividedBy], context) => {
    await requirePython(context);
    const stored = await untrained(example, samples);
    const origin = { run: 'demo', step: 1, weightsSha256: 'ab'.repeat(32), classes: samples.classes };
    const folder = path.join(root, example);
    const runFile = (): Promise<string> => Promise.resolve('');
    const form = { format: 'onnx', batch: BATCH, folder, existing: 'refuse', data: undefined } as const;
    await exportTask({ model: stored, origin, runFile, ...form });

    const { shape } = samples.fields[field]!;
    const length = BATCH * shape.reduce((product, size) => product * size, 1);
    const stream = randomStream(randomKey('initialisation', 9));
    const numbers = Float32Array.from({ length }, () => Math.floor(stream.nextUniform() * 40));
    const model = await openModel(stored, { threads: 1 });
    const values = field === 'image' ? Uint8Array.from(numbers) : numbers;
    const expected = await model.predict({ [field]: values }, BATCH);
    await model.close();

    const feeds = path.join(root, `${example}.json`);
    const feed = { shape: [BATCH, ...shape], values: [...numbers].map((number) => number / dividedBy) };
    await writeFile(feeds, JSON.stringify({ [field]: feed }));
    const { code, output } = await runPython('run_onnx.py', path.join(folder, 'model.onnx'), feeds);
    expect(code, output).toBe(0);
    const { outputs, metadata } = JSON.parse(output) as {
      outputs: Record<string, number[]>;
      metadata: Record<string, string>;
    };
    expect(Object.keys(outputs)).toEqual(Object.keys(expected.outputs));
    for (const [name, answers] of Object.entries(outputs)) {
      answers.forEach((answer, at) => expect(answer, `${name} ${at}`).toBeCloseTo(expected.outputs[name]![at]!, 4));
    }
    expect(JSON.parse(metadata['classes']!)).toEqual(samples.classes);
  },
);
