/** Runs and folders that a command cannot use: exit code 2, what is expected, and nothing is changed. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { NAMED_TASKS } from '@facet/lab/data';
import { formatRecord, resolveConfig } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { up, useRefusals, type Refusal } from '../test/refused-commands.js';
import { runInProcess } from '../test/run-cli.js';

const { folder, refused, expectRefused } = useRefusals();

test.each<Refusal>([
  [
    'a name that leads out of the runs folder',
    [...up, '--run', '../x'],
    'error [RUN_NAME_INVALID]: \'../x\' cannot be the name of a run: expected 1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder\n',
  ],
  ['a prediction without a run', ['predict', 'digit.png'], 'error [RUN_NOT_FOUND]: there is no run in '],
  [
    'an export without a format',
    ['export', 'demo', '--out', 'here'],
    "error: required option '--format <name>' not specified\n",
  ],
])('refuses %s', (_, args, message) => expectRefused(args, message));

describe('a folder that is none of ours', () => {
  const wrong = () => path.join(folder(), 'photos');

  beforeAll(async () => {
    await mkdir(path.join(wrong(), 'old'), { recursive: true });
    for (const name of ['a.png', 'b.png', 'c.png', 'd\u001b[2J.png', 'e.png'])
      await writeFile(path.join(wrong(), name), '');
  });

  test.each([
    ['evaluate', []],
    ['robustness', []],
    ['export', ['--format', 'onnx', '--out', 'nowhere']],
  ])('is refused by %s, which says what it expects and what the folder holds', async (command, flags) => {
    const expected =
      'expected a run (ledger.jsonl), a checkpoint or a trained model (run.json); there are no runs yet\n';
    const at = async (place: string): Promise<string> => (await refused([command, place, ...flags])).stderr;
    const start = (place: string): string => `error [RUN_NOT_FOUND]: ${place}: `;
    const full = String.raw`it holds a.png, b.png, c.png, d\x1b[2J.png, e.png and 1 more, `;
    expect(await at(wrong())).toBe(`${start(wrong())}${full}${expected}`);
    const empty = path.join(wrong(), 'old');
    expect(await at(empty)).toBe(`${start(empty)}it is empty, ${expected}`);
    const file = path.join(wrong(), 'a.png');
    expect(await at(file)).toBe(`${start(file)}it is a file, ${expected}`);
  });

  test('is refused by resume', async () => {
    const { stderr } = await refused(['resume', path.join(wrong(), 'old')]);
    const told = 'old holds no run: it is empty, expected ledger.jsonl; there are no runs yet\n';
    expect(stderr.endsWith(told), stderr).toBe(true);
  });
});

describe('with a run that exists', () => {
  const env = () => ({ FACET_RUNS: path.join(folder(), 'existing') });
  const run = () => path.join(folder(), 'existing', 'demo');

  beforeAll(async () => {
    await mkdir(run(), { recursive: true });
    const resolved = resolveConfig({ tasks: NAMED_TASKS, environment: {}, flags: { run: 'demo', dataset: 'mnist' } });
    if (!resolved.ok) throw new Error(resolved.problems.join());
    const hash = 'a'.repeat(64);
    const record = formatRecord({
      kind: 'run',
      version: 1,
      run: 'demo',
      dataset: 'mnist',
      datasetSha256: hash,
      trainSamples: 60_000,
      seed: 1,
      globalBatch: 128,
      microBatch: 32,
      epochs: 4,
      configSha256: hash,
      at: '2026-03-01T12:00:00.000Z',
    });
    await writeFile(path.join(run(), 'ledger.jsonl'), `${record}\n`);
    await writeFile(path.join(run(), 'config.json'), JSON.stringify(resolved.config));
  });

  it('does not start it again, and says how to go on', async () => {
    const { code, stderr } = await runInProcess([...up, '--run', 'demo'], env());
    expect(code).toBe(2);
    expect(stderr).toBe(
      `error [RUN_EXISTS]: ${run()} exists already; continue it with \`facet resume demo\`, or choose another name with --run\n`,
    );
    expect(await readdir(run())).toEqual(['config.json', 'ledger.jsonl']);
  });

  it('does not resume it with another model or other data, and names the keys', async () => {
    const { seed, task } = PRESETS['mnist-fast'];
    const { depth } = task.options.model;
    const overrides = ['--seed', '77', '--set', 'model.depth=9', '--workers', '3'];
    const { code, stderr } = await runInProcess(['resume', 'demo', ...overrides], env());
    expect(code).toBe(2);
    expect(stderr).toContain(
      `error [CHECKPOINT_INCOMPATIBLE]: seed is ${seed} in run demo, asked for 77; model.depth is ${depth} in run demo, asked for 9: `,
    );
    expect(await readdir(run())).toEqual(['config.json', 'ledger.jsonl']);
  });

  it('says which folder it cannot make, and what decides where it is', async () => {
    const inFile = path.join(run(), 'config.json', 'runs');
    const { code, stderr } = await runInProcess([...up, '--run', 'other'], { ...env(), FACET_RUNS: inFile });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error \[DISK_REFUSED\]: cannot .*\(ENOTDIR\); name another folder .*FACET_RUNS/m);
    expect(stderr).not.toContain('    at ');
  });

  it('names it when another one is asked for', async () => {
    for (const args of [
      ['resume', 'dmeo'],
      ['evaluate', 'dmeo'],
      ['predict', 'digit.png', '--run', 'dmeo'],
      ['export', 'dmeo', '--format', 'onnx', '--out', path.join(folder(), 'out')],
      ['ledger', 'check', 'dmeo'],
    ]) {
      const { code, stderr } = await runInProcess(args, env());
      expect(code).toBe(2);
      expect(stderr).toContain("error [RUN_NOT_FOUND]: there is no run 'dmeo'");
      expect(stderr).toContain('expected one of: demo; did you mean demo?');
    }
  });

  it('says that it has no checkpoint to evaluate', async () => {
    const { code, stderr } = await runInProcess(['evaluate', 'demo'], env());
    expect(code).toBe(2);
    expect(stderr).toContain(`error [CHECKPOINT_INVALID]: no sound checkpoint in ${path.join(run(), 'checkpoints')}`);
  });
});
