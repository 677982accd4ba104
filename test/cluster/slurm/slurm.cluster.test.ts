/** deploy/slurm/facet.sbatch on a real Slurm whose nodes are network namespaces. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  processesWith,
  until,
  type TrainingSummary,
  type Workspace,
} from '../../testkit/facet.js';
import { openHosts, type Hosts } from '../../testkit/hosts.js';
import { findProgram, whyNotHere } from '../pieces.js';
import { startSlurm, type SlurmCluster } from './slurm-cluster.js';

const FACET = fileURLToPath(new URL('../../../packages/cli/bin/facet.mjs', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../../deploy/slurm/facet.sbatch', import.meta.url));
const whyNot = await whyNotHere(['slurmctld', 'slurmd', 'sbatch', 'munged'], { needsHosts: true });
const TEST_MS = 600_000;
const NODES = 3;
const EPOCHS = 30;
const SAMPLES = 1_500;
const settingsOf = (settings: readonly string[]): string[] => settings.flatMap((setting) => ['--set', setting]);
const SETTINGS = settingsOf([
  `samples.train=${SAMPLES}`,
  'samples.test=100',
  'batch.global=64',
  'batch.micro=16',
  'checkpoint.everySteps=1000',
  'engine.threads=1',
  'timeouts.heartbeatMs=4000',
]);
/** Long enough to be interrupted. */
const LONG = [...MNIST_ON_CPU.slice(2), '--epochs', String(EPOCHS), ...SETTINGS];
const CLEAN = { expected: EPOCHS * SAMPLES, committed: EPOCHS * SAMPLES, missing: 0, duplicated: 0 };

describe('facet.sbatch', () => {
  let hosts: Hosts | undefined;
  let workspace: Workspace;
  let slurm: SlurmCluster;
  let here: TrainingSummary;

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    workspace = await openWorkspace();
    here = parseJson(
      await workspace.run(['up', '--dataset', 'mnist', ...LONG, '--workers', '1', '--run', 'here', '--json']),
    );
    hosts = await openHosts(NODES);
    slurm = await startSlurm(hosts, NODES, path.join(workspace.folder, 'slurm'));
  }, TEST_MS);

  afterAll(async () => {
    await hosts?.[Symbol.asyncDispose]();
    if (whyNot === undefined) await workspace[Symbol.asyncDispose]();
  });

  beforeEach((context) => {
    if (whyNot !== undefined) context.skip(whyNot);
  });

  const submit = (options: readonly string[], args: readonly string[]): Promise<string> =>
    slurm.submit([`--chdir=${workspace.folder}`, ...options, SCRIPT, 'mnist', ...args], {
      FACET: `${process.execPath} ${FACET}`,
      FACET_RUNS: workspace.runs,
      FACET_LOG_LEVEL: 'warn',
      NATS_SERVER: process.env['NATS_SERVER_BIN'] ?? findProgram('nats-server'),
    });

  const output = (job: string): Promise<string> =>
    readFile(path.join(workspace.folder, `facet-${job}.out`), 'utf8').catch(() => '');

  /** What the coordinator printed last. */
  const resultOf = async (job: string): Promise<TrainingSummary> => {
    const text = await output(job);
    const line = text.split('\n').findLast((each) => each.startsWith('{"run"') || each.startsWith('{"outcome"'));
    if (line === undefined) throw new Error(`job ${job} printed no result:\n${text}`);
    return JSON.parse(line) as TrainingSummary;
  };

  const hasSteps = (job: string, count: number): Promise<void> =>
    until(
      `job ${job} has ${count} steps`,
      async () => (await committedSteps(path.join(workspace.runs, `job-${job}`))) >= count,
      300_000,
    );

  const lastCommit = async (job: string): Promise<number> => committedSteps(path.join(workspace.runs, `job-${job}`));

  const checkpoints = async (job: string): Promise<string[]> =>
    (await readdir(path.join(workspace.runs, `job-${job}`, 'checkpoints'))).sort();

  const expectEnded = async (job: string, expected: string): Promise<void> => {
    const state = await slurm.ended(job, TEST_MS);
    expect({ state, output: state === expected ? '' : await output(job) }).toEqual({ state: expected, output: '' });
  };

  it(
    'trains on every node, with the weights of one machine, and leaves nothing',
    async () => {
      const job = await submit([`--nodes=${NODES}`], LONG);
      await expectEnded(job, 'COMPLETED');
      expect(await resultOf(job)).toMatchObject({
        weightsSha256: here.weightsSha256,
        workers: NODES,
        faults: 0,
        ledger: CLEAN,
      });
      expect(await readdir(workspace.runs)).not.toContain(`.job-${job}`);
      await until(
        'no process of the job is left',
        async () => (await processesWith(`job-${job}`)).length === 0,
        20_000,
      );
    },
    TEST_MS,
  );

  it(
    'is requeued before its time limit, and goes on by itself',
    async () => {
      // Slurm sends the signal up to a minute early: one or two minutes after the job began.
      const job = await submit(['--nodes=2', '--time=3'], [...LONG, '--epochs', '1000']);
      await hasSteps(job, 5);
      await until('it is requeued', async () => (await output(job)).includes('] requeue\n'), 240_000);
      const before = await lastCommit(job);
      const kept = await checkpoints(job);
      expect(kept.at(-1)).toContain(String(before));
      await slurm.run('scontrol', ['update', `JobId=${job}`, 'TimeLimit=30']);
      await until(
        'it goes on',
        async () => {
          if ((await slurm.stateOf(job)) === 'PENDING')
            await slurm.run('scontrol', ['update', `JobId=${job}`, 'StartTime=now', 'TimeLimit=30']);
          return (await lastCommit(job)) > before + 3;
        },
        120_000,
      );
      expect(await output(job)).toContain('restart 1] run');
      await slurm.run('scancel', [job]);
      await expectEnded(job, 'CANCELLED');
    },
    TEST_MS,
  );

  it(
    'goes on without a node that fails, and ends with the same weights',
    async () => {
      const job = await submit([`--nodelist=h1,h2,h3`, `--nodes=${NODES}`], LONG);
      await hasSteps(job, 20);
      await hosts!.fail(3);
      await expectEnded(job, 'COMPLETED');
      expect(await resultOf(job)).toMatchObject({ weightsSha256: here.weightsSha256, ledger: CLEAN });
      slurm.startNode(3);
    },
    TEST_MS,
  );

  it(
    'is requeued when its first node fails, and goes on elsewhere',
    async () => {
      const job = await submit(['--nodelist=h2,h3', '--nodes=2'], LONG);
      await hasSteps(job, 20);
      await hosts!.fail(2);
      await until(
        'Slurm has taken it back',
        async () => ['PENDING', 'COMPLETING'].includes(await slurm.stateOf(job)),
        120_000,
      );
      slurm.startNode(2);
      await expectEnded(job, 'COMPLETED');
      expect(await resultOf(job)).toMatchObject({ weightsSha256: here.weightsSha256, ledger: CLEAN });
    },
    TEST_MS,
  );

  it(
    'keeps the last committed step when it is cancelled',
    async () => {
      const job = await submit(['--nodes=2'], LONG);
      await hasSteps(job, 20);
      await slurm.run('scancel', [job]);
      await expectEnded(job, 'CANCELLED');
      expect((await checkpoints(job)).at(-1)).toContain(String(await lastCommit(job)));
      const again = await submit(['--nodes=3', `--export=ALL,RUN=job-${job}`], LONG);
      await expectEnded(again, 'COMPLETED');
      expect(await resultOf(again)).toMatchObject({ weightsSha256: here.weightsSha256, ledger: CLEAN });
    },
    TEST_MS,
  );

  it(
    'makes a run of every index of an array',
    async () => {
      const job = await submit(['--nodes=1', '--array=1-2'], [...LONG, '--epochs', '1', '--seed', '%a']);
      const hashes = new Set<string>();
      for (const index of [1, 2]) {
        await expectEnded(`${job}_${index}`, 'COMPLETED');
        const file = path.join(workspace.runs, `job-${job}-${index}`, 'result.json');
        hashes.add((JSON.parse(await readFile(file, 'utf8')) as TrainingSummary).weightsSha256);
      }
      expect(hashes.size).toBe(2);
    },
    TEST_MS,
  );

  it('says what is wrong with its options, once', async () => {
    const job = await submit(['--nodes=1'], ['--nodes', '4']);
    await expectEnded(job, 'FAILED');
    expect(await output(job)).toContain("--nodes is for sbatch: say it before the script's name");
  });
});
