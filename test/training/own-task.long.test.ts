/** Every example with more numbers of workers, and more that happens to them, than own-task.test.ts has time for. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  committedSteps,
  openWorkspace,
  parseJson,
  processesWith,
  until,
  type TrainingSummary,
  type Workspace,
} from '../testkit/facet.js';
import { exampleFile, LAYERS_CNN, makeExampleData, trainAndEvaluate, upExample } from '../testkit/own-task.js';

const TEST_MS = 480_000;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
  await makeExampleData(workspace.folder, { shapesPerClass: 40, throws: 600 });
}, 60_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

// Four micro-batches in a step at least, so that each of four workers has one, and enough steps for what happens.
describe.each([
  ['layers-cnn', LAYERS_CNN],
  ['regression', ['--data', 'throws.csv', '--set', 'batch.global=64', '--set', 'batch.micro=16']],
  [
    'gpt',
    [
      ...['--data', 'text.txt', '--set', 'samples.train=64', '--set', 'samples.test=8'],
      ...['--set', 'batch.global=8', '--set', 'batch.micro=2'],
    ],
  ],
  [
    'two-cameras',
    [
      ...['--set', 'samples.train=192', '--set', 'samples.test=32'],
      ...['--set', 'batch.global=16', '--set', 'batch.micro=4'],
    ],
  ],
] as const)('the example %s', (example, settings) => {
  const up = (run: string, workers: number): string[] =>
    upExample(example, `${example}-${run}`, workers, ...settings, '--set', 'checkpoint.everySteps=4');
  const summaryOf = async (run: string, workers: number): Promise<TrainingSummary> => {
    const result = await workspace.run(up(run, workers));
    expect(result.code, result.stderr).toBe(0);
    return parseJson(result);
  };

  it('ends with the same weights for 1, 2, 3 and 4 workers', { timeout: TEST_MS }, async () => {
    const hashes = [];
    for (const workers of [1, 2, 3, 4]) {
      const summary = await summaryOf(`of-${workers}`, workers);
      expect(summary).toMatchObject({ workers, faults: 0, ledger: { clean: true } });
      hashes.push(summary.weightsSha256);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  it('ends with them after a worker was killed, and a stop and a resume', { timeout: TEST_MS }, async () => {
    const { weightsSha256 } = await summaryOf('in-peace', 1);
    const run = `${example}-harmed`;
    const folder = path.join(workspace.runs, run);
    const running = workspace.start([...up('harmed', 2), '--max-restarts', '0']);
    const step = async (least: number): Promise<void> => {
      await until(`${least} steps are committed`, async () => (await committedSteps(folder)) >= least);
    };
    await step(2);
    const log = await readFile(path.join(folder, 'logs', 'worker-0.log'), 'utf8');
    process.kill(Number(/"pid":(\d+)/.exec(log)![1]), 'SIGKILL');
    await step(6);
    running.child.kill('SIGINT');
    const stopped = await running.done;
    expect(stopped.code, stopped.stderr).toBe(130);
    const resumed = parseJson(await workspace.run(['resume', run, '--workers', '3', '--json']));
    expect(resumed).toMatchObject({ weightsSha256, workers: 3, ledger: { clean: true } });
    expect((await workspace.run(['ledger', 'check', run])).code).toBe(0);
  });
});

it('the example gpt is trained, evaluated, and writes text', { timeout: TEST_MS }, async () => {
  const settings = ['--data', 'text.txt', '--set', 'samples.train=64', '--set', 'samples.test=8'];
  const { run } = await trainAndEvaluate(workspace, { example: 'gpt', workers: [2], settings });
  const { stdout } = await promisify(execFile)(process.execPath, [exampleFile('gpt', 'sample.mjs'), run, 'The ', '20']);
  expect(stdout).toMatch(/^The [^]{20}\n$/);
  const refused = await workspace.run(['predict', 'text.txt', '--run', run]);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('takes tokens int32 [64], expected one'),
  });
});

it('the example two-cameras is trained, evaluated, and exported', { timeout: TEST_MS }, async () => {
  const settings = ['--set', 'samples.train=192', '--set', 'samples.test=32'];
  const { run } = await trainAndEvaluate(workspace, { example: 'two-cameras', workers: [2], settings });
  const out = path.join(workspace.folder, 'two-cameras-onnx');
  const exported = await workspace.run(['export', run, '--format', 'onnx', '--out', out, '--json']);
  expect(exported.code, exported.stderr).toBe(0);
  expect(parseJson(exported)).toMatchObject({ check: { isWithinTolerance: true, source: 'test split' } });
});
