/**
 * A run of seconds on the first samples of MNIST, and how it is killed: real processes, a real broker, real gRPC.
 */
import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import {
  committedSteps,
  MNIST_ON_CPU,
  parseJson,
  processesWith,
  until,
  type RunningCommand,
  type TrainingSummary,
  type Workspace,
} from './facet.js';

const SMALL = [
  ...MNIST_ON_CPU,
  '--epochs',
  '2',
  '--set',
  'samples.train=2900',
  '--set',
  'samples.test=300',
  '--set',
  'checkpoint.everySteps=5',
  '--set',
  'batch.global=128',
];
/** Steps of the run. */
export const STEPS = 2 * Math.ceil(2900 / 128);
/** What its ledger says when all is well. */
export const CLEAN = { expected: 5800, committed: 5800, missing: 0, duplicated: 0 };

/** The command that trains it. */
export const up = (run: string, workers: number, ...more: string[]): string[] => [
  'up',
  ...SMALL,
  '--run',
  run,
  '--workers',
  String(workers),
  '--json',
  ...more,
];

/** Settings of a run that uses all that augments and mixes, held-out images, averaged weights, and gradients in int8. */
export const RECIPE = [
  'samples.train=1500',
  'samples.heldOut=200',
  'evaluation=held-out',
  'optimizer.emaDecay=0.98',
  'gradientFormat=int8',
  'augmentation.padding=reflect',
  'augmentation.rotateDegrees=10',
  'augmentation.scaleShare=0.1',
  'augmentation.randAugment.operations=1',
  'augmentation.randAugment.magnitude=5',
  'augmentation.cutoutPixels=6',
  'augmentation.mixup.share=0.3',
  'augmentation.cutmix.share=0.3',
].flatMap((setting) => ['--set', setting]);

/** Settings of a run that trains on attacked samples. */
const attacks = ['samples.train=700', 'adversarial.eps=0.1', 'adversarial.steps=2', 'augmentation.mixup.share=0.3'];
export const ATTACKED = attacks.flatMap((setting) => ['--set', setting]);

/** Trains with another optimizer and schedule, with one worker and with three, and expects the same weights. */
export async function expectSameWeights(
  workspace: Workspace,
  { name, rate, schedule }: { readonly name: string; readonly rate: string; readonly schedule: string },
): Promise<TrainingSummary> {
  const settings = [`name=${name}`, `peakLearningRate=${rate}`, `schedule=${schedule}`];
  const shorter = ['--epochs', '1', '--set', 'samples.train=640'];
  const flags = [...shorter, ...settings.flatMap((setting) => ['--set', `optimizer.${setting}`])];
  const one = parseJson(await workspace.run(up(`${name}-1`, 1, ...flags)));
  const three = parseJson(await workspace.run(up(`${name}-3`, 3, ...flags)));
  expect(three).toMatchObject({ weightsSha256: one.weightsSha256, ledger: { clean: true, committed: 640 } });
  return one;
}

/** Kills a run and everything that it started, after 14 steps. */
export async function killAll({ child, done }: RunningCommand, folder: string): Promise<void> {
  await until('14 steps are committed', async () => (await committedSteps(folder)) >= 14);
  for (const pid of [...(await childrenOf(child.pid!)), child.pid!]) process.kill(pid, 'SIGKILL');
  await done;
  await until('nothing of it is left', async () => (await processesWith(folder)).length === 0);
}

/** Every descendant of a process, from /proc. */
export async function childrenOf(parent: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = await readFile(`/proc/${entry}/stat`, 'utf8');
      // pid (name) state ppid: the name may hold spaces and brackets, so count from its end.
      parents.set(Number(entry), Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  const found: number[] = [];
  const visit = (of: number): void => {
    for (const [pid, itsParent] of parents) {
      if (itsParent !== of) continue;
      found.push(pid);
      visit(pid);
    }
  };
  visit(parent);
  return found;
}
