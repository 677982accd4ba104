/** Folders with tasks of a user's own, for tests: the examples of this repository, or a few lines. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { parseJson, type Workspace } from './facet.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** All workers on one engine: on a machine with a GPU they could choose differently. */
export const ON_CPU = ['--engine', 'onnxruntime', '--device', 'cpu'] as const;

/** The path of a file of an example. */
export function exampleFile(...parts: string[]): string {
  return path.join(REPOSITORY, 'examples', ...parts);
}

/** Epochs of an example in its small form. */
export const EXAMPLE_EPOCHS = 2;

/** Settings of the example layers-cnn on a folder `shapes`. */
export const LAYERS_CNN = ['--data', 'shapes', '--set', 'batch.global=16', '--set', 'batch.micro=4'] as const;

/** The command that trains an example in its small form. */
export function upExample(example: string, run: string, workers: number, ...more: readonly string[]): string[] {
  const task = ['--task', exampleFile(example, 'task.mjs'), ...ON_CPU, '--epochs', String(EXAMPLE_EPOCHS)];
  return ['up', ...task, '--run', run, '--workers', String(workers), '--json', ...more];
}

/** Of an evaluation. */
export interface Figures {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Trains an example by each number of workers: the same weights, a clean ledger, and `facet evaluate` finds the figures of the
 * run's own last evaluation again. Returns the folder of the first run and its figures.
 */
export async function trainAndEvaluate(
  workspace: Workspace,
  asked: { readonly example: string; readonly workers: readonly number[]; readonly settings: readonly string[] },
): Promise<{ readonly run: string; readonly metrics: Figures['metrics'] }> {
  const { example, workers: numbers, settings } = asked;
  const summaries = [];
  for (const workers of numbers) {
    const result = await workspace.run(upExample(example, `${example}-used-${workers}`, workers, ...settings));
    expect(result.code, result.stderr).toBe(0);
    const summary = parseJson(result);
    expect(summary).toMatchObject({ workers, faults: 0, ledger: { clean: true } });
    summaries.push(summary);
  }
  const [first] = summaries;
  for (const { weightsSha256 } of summaries) expect(weightsSha256).toBe(first!.weightsSha256);
  const name = `${example}-used-${numbers[0]}`;
  const { loss, metrics } = first!.evaluation as Figures;
  const evaluated = parseJson(await workspace.run(['evaluate', name, '--json'])) as unknown as Figures;
  expect(evaluated.loss).toBeCloseTo(loss, 10);
  for (const [metric, mean] of Object.entries(metrics)) expect(evaluated.metrics[metric]).toBeCloseTo(mean, 10);
  return { run: path.join(workspace.runs, name), metrics };
}

/** Runs a script of an example to its end; it writes into a folder. */
export async function runScript(cwd: string, script: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [script, ...args], { cwd });
}

/** The data of the examples that read some, in a folder: `shapes`, `throws.csv` and `text.txt`. */
export async function makeExampleData(
  folder: string,
  { shapesPerClass, throws }: { readonly shapesPerClass: number; readonly throws: number },
): Promise<void> {
  await runScript(folder, exampleFile('layers-cnn', 'make-shapes.mjs'), 'shapes', String(shapesPerClass));
  await runScript(folder, exampleFile('regression', 'make-throws.mjs'), 'throws.csv', String(throws));
  await copyFile(exampleFile('..', 'CONTRIBUTING.md'), path.join(folder, 'text.txt'));
}

/** Writes a module into a folder from which `facet-train` can be imported; returns its path. */
export async function writeTask(folder: string, name: string, source: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await symlink(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules')).catch((caught: unknown) => {
    if ((caught as NodeJS.ErrnoException).code !== 'EEXIST') throw caught;
  });
  const file = path.join(folder, name);
  await writeFile(file, source);
  return file;
}
