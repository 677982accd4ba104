/**
 * A study by the built command: really trained, continued without training anything again, extended by a seed, and
 * refused while another process is at work on it. What it says is arithmetic of its trials; other tests judge that.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkspace, until, type CommandResult, type Workspace } from '../testkit/facet.js';

const SET = [
  'epochs=2',
  'samples.train=256',
  'samples.heldOut=256',
  'batch.global=64',
  'batch.micro=32',
  'model.depth=1',
  'model.width=32',
  'model.stemWidth=16',
].flatMap((setting) => ['--set', setting]);

interface Report {
  readonly made: unknown;
  readonly seeds: readonly number[];
  readonly arms: readonly {
    readonly name: string;
    readonly trials: readonly { readonly seed: number; readonly accuracy: number; readonly weightsSha256: string }[];
    readonly difference?: { readonly mean: number; readonly seeds: number };
  }[];
  readonly trialsFinished: number;
  readonly file: string;
  readonly page: string;
}

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(() => workspace[Symbol.asyncDispose]());

async function study(...args: readonly string[]): Promise<{ readonly end: CommandResult; readonly report: Report }> {
  const end = await workspace.run(['ablate', '--study', 'tiny', '--workers', '1', '--json', ...args]);
  expect(end.code, end.stderr).toBe(0);
  return { end, report: JSON.parse(end.stdout) as Report };
}

it(
  'trains, goes on without training again, is extended by a seed, and is worked on by one process',
  { timeout: 300_000 },
  async () => {
    const plan = ['--preset', 'mnist-fast', '--arms', 'no-injection,views-2', '--seeds', '1', ...SET];
    const first = await study(...plan);
    expect(first.report).toMatchObject({ seeds: [1], trialsFinished: 2, arms: [{ name: 'no-injection' }, {}] });
    expect(first.end.stderr).toMatch(/^no-injection, seed 1: \d+\.\d\d % after /m);

    const folder = path.join(workspace.runs, 'studies', 'tiny');
    const results = path.join(folder, 'results');
    const writtenAt = async (): Promise<number[]> =>
      Promise.all((await readdir(results)).sort().map(async (name) => (await stat(path.join(results, name))).mtimeMs));
    const before = await writtenAt();
    const again = await study();
    // Everything but when it was made.
    expect({ ...again.report, made: first.report.made }).toEqual(first.report);
    expect(await writtenAt()).toEqual(before);

    const stopped = workspace.start(['ablate', '--study', 'tiny', '--workers', '1', '--seeds', '2']);
    const ledger = path.join(folder, 'runs', 'views-2-seed-2', 'ledger.jsonl');
    await until('the second trial has begun', () => Promise.resolve(existsSync(ledger)));
    stopped.child.kill('SIGINT');
    const { code: stopCode, stderr: said } = await stopped.done;
    expect(stopCode).toBe(130);
    expect(said.match(/stopping with a checkpoint/g), said).toHaveLength(1);

    const { report } = await study('--seeds', '2', '--secure');
    const brokerLog = path.join(folder, 'runs', 'views-2-seed-2', 'logs', 'broker.log');
    expect(await readFile(brokerLog, 'utf8')).toContain('TLS required for client');
    expect(report).toMatchObject({ seeds: [1, 2], trialsFinished: 4 });
    const [plain, views] = report.arms;
    expect(plain!.trials[0]).toEqual(first.report.arms[0]!.trials[0]);
    expect(new Set(report.arms.flatMap(({ trials }) => trials.map(({ weightsSha256 }) => weightsSha256))).size).toBe(4);
    const mean = [0, 1].reduce((sum, i) => sum + (views!.trials[i]!.accuracy - plain!.trials[i]!.accuracy) / 2, 0);
    expect(views!.difference!.seeds).toBe(2);
    expect(views!.difference!.mean).toBeCloseTo(mean, 12);

    expect(await readFile(report.page, 'utf8')).toContain('<title>Ablation: tiny</title>');
    expect(report.file).toBe(path.join(folder, 'ablation.json'));
    const lock = path.join(folder, 'lock');
    expect(existsSync(lock)).toBe(false);
    await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    const { code, stderr } = await workspace.run(['ablate', '--study', 'tiny', '--seeds', '3']);
    expect(code).toBe(75);
    expect(stderr).toContain(`error [RUN_LOCKED]: process ${process.pid} on ${hostname()} is at work in ${folder}; `);
    const checkpoints = path.join(folder, 'runs', 'views-2-seed-2', 'checkpoints');
    expect((await readdir(checkpoints)).filter((name) => name.startsWith('step-'))).toHaveLength(1);
  },
);
