/**
 * A real run for the metrics tests: `facet up` with its broker, coordinator and two workers on 127.0.0.1, on a small part of
 * MNIST and for more epochs than any test waits. Its files lie in a temporary folder that goes away with it.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startChild, type Child } from './child.js';
import { eventually } from './eventually.js';
import { CLI_MAIN } from './repository.js';

const RUN = 'metrics-test';
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;

export interface TrainingRun extends AsyncDisposable {
  /** host:port of the coordinator's gRPC services. */
  readonly address: string;
  /** Where /metrics, /sd and /status are. */
  readonly httpUrl: string;
  /** The file that holds the run's token. */
  readonly token: string;
  readonly up: Child;
}

/** Starts the run and waits until its coordinator answers. */
export async function startTrainingRun(): Promise<TrainingRun> {
  const runs = await mkdtemp(path.join(tmpdir(), 'facet-metrics-'));
  const sizes = ['samples.train=2048', 'samples.test=512', 'epochs=1000', 'engine.threads=1'];
  const up = startChild({
    command: process.execPath,
    args: [
      CLI_MAIN,
      'up',
      '--dataset',
      'mnist',
      '--workers',
      '2',
      '--run',
      RUN,
      ...sizes.flatMap((size) => ['--set', size]),
    ],
    env: { ...process.env, FACET_RUNS: runs, PATH: await pathWithGpus(runs) },
    stop: { signal: 'SIGINT', limitMs: STOP_LIMIT_MS },
  });
  const close = async (): Promise<void> => {
    await up[Symbol.asyncDispose]();
    await rm(runs, { recursive: true, force: true });
  };
  try {
    const { address, httpUrl } = await eventually('the coordinator says where it is', START_LIMIT_MS, async () => {
      const stated = await readAddress(path.join(runs, RUN, 'coordinator.json'));
      if (stated === undefined) up.requireRunning();
      return stated;
    });
    return { address, httpUrl, token: path.join(runs, RUN, 'run.token'), up, [Symbol.asyncDispose]: close };
  } catch (caught) {
    await close();
    throw caught;
  }
}

/** A PATH on which `nvidia-smi` tells of a GPU, so that the metrics are the same on every machine. */
async function pathWithGpus(folder: string): Promise<string> {
  const programs = path.join(folder, '.programs');
  await mkdir(programs);
  await writeFile(path.join(programs, 'nvidia-smi'), '#!/bin/sh\necho "0, 45, 2048, 81559, 38, 120.51"\n', {
    mode: 0o700,
  });
  return `${programs}${path.delimiter}${process.env['PATH'] ?? ''}`;
}

/** Starts one more worker of a run. */
export function startWorker({ address, token }: TrainingRun): Child {
  return startChild({
    command: process.execPath,
    args: [CLI_MAIN, 'worker', '--coordinator', address, '--listen', '127.0.0.1', '--threads', '1'],
    env: { ...process.env, FACET_RUN_TOKEN_FILE: token },
    stop: { signal: 'SIGINT', limitMs: STOP_LIMIT_MS },
  });
}

interface Address {
  readonly address: string;
  readonly httpUrl: string;
}

async function readAddress(file: string): Promise<Address | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Address;
  } catch {
    return undefined;
  }
}
