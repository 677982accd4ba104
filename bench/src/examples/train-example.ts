/** Trains an example as its README says, in a folder of its own. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { BenchContext } from '../bench.js';
import { round } from '../figures.js';
import { facetCommand } from '../process/facet-command.js';
import type { Example, ExamplesRow } from './definition.js';

/** A script that writes the data, and the settings that name them. */
interface ExampleData {
  readonly script?: string;
  readonly arguments?: (isSmall: boolean) => string[];
  readonly flags: readonly string[];
}

const SMALL = ['--epochs', '1', '--set', 'samples.train=64', '--set', 'samples.test=4'];

const DATA: Readonly<Record<Example, ExampleData>> = {
  'layers-cnn': {
    script: 'make-shapes.mjs',
    arguments: (isSmall) => ['shapes', isSmall ? '24' : '300'],
    flags: ['--data', 'shapes'],
  },
  regression: {
    script: 'make-throws.mjs',
    arguments: (isSmall) => ['throws.csv', isSmall ? '100' : '4000'],
    flags: ['--data', 'throws.csv'],
  },
  gpt: { flags: ['--data', repositoryFile('docs', 'training.md')] },
  'two-cameras': { flags: [] },
};

/** What we read of a run's result.json. */
const resultShape = z.object({
  epochs: z.int(),
  steps: z.int(),
  testAccuracy: z.number().optional(),
  evaluation: z.object({ loss: z.number(), metrics: z.record(z.string(), z.number()) }),
  trainSeconds: z.number(),
  imagesPerSecond: z.number(),
  weightsSha256: z.string(),
  ledger: z.object({ clean: z.literal(true), expected: z.int() }),
});

export interface ExampleTraining {
  readonly example: Example;
  /** Data and runs go here. */
  readonly folder: string;
  readonly workers: number;
}

/** @throws Error when a command fails, or the signal's reason when it is aborted */
export async function trainExample(training: ExampleTraining, context: BenchContext): Promise<ExamplesRow> {
  const { example, folder, workers } = training;
  const data = DATA[example];
  const { isSmall } = context;
  const command = (name: string, args: readonly string[]): Promise<void> =>
    runToEnd(`${name} of ${example}`, args, folder, context);
  if (data.script !== undefined) {
    const script = repositoryFile('examples', example, data.script);
    await command(data.script, [script, ...(data.arguments?.(isSmall) ?? [])]);
  }
  const task = ['--task', repositoryFile('examples', example, 'task.mjs'), ...data.flags];
  const engine = ['--engine', 'onnxruntime', '--device', 'cpu'];
  const flags = [...task, ...engine, '--workers', String(workers), ...(isSmall ? SMALL : [])];
  await command('facet up', facetCommand('up', '--run', example, '--json', ...flags));
  const file = path.join(folder, 'runs', example, 'result.json');
  const result = resultShape.parse(JSON.parse(await readFile(file, 'utf8')));
  const { epochs, steps, testAccuracy, evaluation, trainSeconds, imagesPerSecond, weightsSha256, ledger } = result;
  return {
    ...{ example, samples: ledger.expected / epochs, epochs, steps, trainSeconds },
    samplesPerSecond: round(imagesPerSecond),
    loss: evaluation.loss,
    figures: { ...evaluation.metrics, ...(testAccuracy !== undefined && { testAccuracy }) },
    weightsSha256,
  };
}

function repositoryFile(...parts: readonly string[]): string {
  return path.join(fileURLToPath(new URL('../../../', import.meta.url)), ...parts);
}

/** `facet up` ends its run in order within this time, else it is killed, and its processes end with it. */
const STOP_DEADLINE_MS = 30_000;

async function runToEnd(name: string, args: readonly string[], cwd: string, { signal }: BenchContext): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, FACET_RUNS: path.join(cwd, 'runs') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  clearTimeout(killTimer);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}, expected 0`);
}
