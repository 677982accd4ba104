/** Bad input: exit code 2, one clear message, nothing started and nothing made. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { DATASETS, formatRecord, PRESETS, resolveConfig } from '@facet/shared';
import { studyPlan } from '../test/made-up-study.js';
import { withCommandName } from './command-name.js';
import { runCli, runInProcess, type CliEnd } from '../test/run-cli.js';

let folder = '';
let runs = '';
let tmp = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-cli-'));
  runs = path.join(folder, 'runs');
  tmp = path.join(folder, 'tmp');
  await mkdir(tmp);
  vi.stubEnv('TMPDIR', tmp);
});

afterAll(() => {
  vi.unstubAllEnvs();
  return rm(folder, { recursive: true, force: true });
});

/** Runs a command that must not get anywhere. */
async function refused(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliEnd> {
  const end = await runInProcess(args, { FACET_RUNS: runs, FACET_CODE_VERSION: 'test', ...env });
  expect(end.code, end.stderr).toBe(2);
  expect(existsSync(runs)).toBe(false);
  expect(await readdir(tmp)).toEqual([]);
  return end;
}

const up = ['up', '--dataset', 'mnist', '--workers', '1'];

test.each<[string, readonly string[], string]>([
  ['an unknown flag', ['up', '--worker', '2'], "error: unknown option '--worker'\n(Did you mean --workers?)\n"],
  [
    'the flag of another trainer',
    ['up', '--lr', '0.1'],
    "error: unknown option '--lr'\n(The configuration key is optimizer.peakLearningRate: set it with --set optimizer.peakLearningRate=VALUE)\n",
  ],
  [
    'a flag of another trainer that is a key of ours',
    ['up', '--batch-size', '64'],
    "error: unknown option '--batch-size'\n(The configuration key is batch.global: set it with --set batch.global=VALUE)\n",
  ],
  ['an unknown command', ['trian'], "error: unknown command 'trian'\n"],
  [
    'an engine that cannot be installed',
    ['engine', 'install', 'tensrflow'],
    "error [CONFIG_INVALID]: there is no engine 'tensrflow' to install, expected tensorflow; did you mean tensorflow?\n",
  ],
  ['an unknown subcommand', ['ledger', 'chek'], "error: unknown command 'chek'\n(Did you mean check?)\n"],
  ['a missing flag', ['worker'], "error: required option '--coordinator <host:port>' not specified\n"],
  ['a missing argument', ['resume'], "error: missing required argument 'run'\n"],
  ['too many arguments', [...up, 'now'], "error: too many arguments for 'up'. Expected 0 arguments but got 1.\n"],
  [
    'a setting without a value',
    [...up, '--set', 'seed'],
    "error: option '--set <key=value>' argument 'seed' is invalid. Expected key=value, as in batch.micro=64.\n",
  ],
  [
    'an unknown dataset',
    ['up', '--dataset', 'mnits'],
    `error [CONFIG_INVALID]: dataset: 'mnits' (from the command line), expected one of ${DATASETS.join(', ')}; did you mean mnist?\n`,
  ],
  [
    'an unknown preset',
    [...up, '--preset', 'mnist-fats'],
    "error [CONFIG_INVALID]: preset: 'mnist-fats' (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast, cifar10-best; did you mean mnist-fast?\n",
  ],
  [
    'an unknown engine',
    [...up, '--engine', 'tfjs'],
    "error [CONFIG_INVALID]: engine.name: 'tfjs' (from the command line), expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu\n",
  ],
  [
    'an engine on a device that it cannot use',
    [...up, '--engine', 'tensorflow', '--device', 'webgpu'],
    "error [CONFIG_INVALID]: engine.device: 'webgpu', expected auto or cpu: engine tensorflow runs on nothing else\n",
  ],
  [
    'an unknown engine to probe',
    ['doctor', '--engine', 'onnx'],
    "error [CONFIG_INVALID]: --engine: 'onnx', expected one of onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu\n",
  ],
  [
    'an unknown engine to evaluate with',
    ['evaluate', 'some-run', '--engine', 'tensorflwo'],
    "error [CONFIG_INVALID]: --engine: 'tensorflwo', expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu; did you mean tensorflow?\n",
  ],
  [
    'an attack without steps',
    [...up, '--adversarial', '--set', 'adversarial.steps=0'],
    'error [CONFIG_INVALID]: adversarial.steps: 0 (from the command line), expected a whole number from 1 to 1000\n',
  ],
  [
    'a ball that is larger than the pixels',
    [...up, '--set', 'adversarial.eps=8'],
    'error [CONFIG_INVALID]: adversarial.eps: 8, expected at most 1 in linf: pixels are in [0, 1], so 8 of 255 is 0.0314\n',
  ],
  [
    'an engine that cannot attack',
    [...up, '--adversarial', '--engine', 'tensorflow'],
    "error [CONFIG_INVALID]: engine.name: 'tensorflow', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs\n",
  ],
  [
    'no workers',
    ['up', '--dataset', 'mnist', '--workers', '0'],
    'error [CONFIG_INVALID]: workers.count: 0 (from the command line), expected a whole number from 1 to 64: this command starts all of them on this machine\n',
  ],
  [
    'too many workers',
    ['up', '--dataset', 'mnist', '--workers', '65'],
    'error [CONFIG_INVALID]: workers.count: 65, expected a whole number from 1 to 64: this command starts all of them on this machine\n',
  ],
  [
    'a name that leads out of the runs folder',
    [...up, '--run', '../x'],
    'error [RUN_NAME_INVALID]: \'../x\' cannot be the name of a run: expected 1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder\n',
  ],
  [
    'more samples than there are',
    [...up, '--set', 'samples.train=60001'],
    'error [CONFIG_INVALID]: samples.train: 60001, expected at most 60000: mnist has no more\n',
  ],
  [
    'a broker that is not there',
    [...up, '--nats', 'nats://ada:s3cret@127.0.0.1:1'],
    'error [BROKER_UNREACHABLE]: no NATS broker answers (127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1); start one with `nats-server -js`, correct --nats, or leave it out and `facet up` starts its own\n',
  ],
  [
    'a file that is not there',
    [...up, '--config', '/nowhere/facet.yaml'],
    'error [CONFIG_INVALID]: /nowhere/facet.yaml: there is no such file; expected a YAML file with configuration keys\n',
  ],
  [
    'an unknown dataset to fetch',
    ['dataset', 'fetch', 'cifar-10'],
    `error [CONFIG_INVALID]: there is no dataset 'cifar-10', expected one of ${DATASETS.join(', ')}; did you mean cifar10?\n`,
  ],
  [
    'a worker without an address',
    ['worker', '--coordinator', 'here', '--device', 'gpu', '--threads', 'many'],
    "error [CONFIG_INVALID]: --coordinator: 'here', expected HOST:PORT, as the coordinator prints it\n--device: 'gpu', expected one of auto, cpu, webgpu, cuda; for a GPU say cuda (NVIDIA) or webgpu\n--threads: 'many', expected a whole number from 0 to 1024\n",
  ],
  [
    'a worker with addresses that are none',
    ['worker', '--coordinator', 'here:1', '--port', '70000', '--advertise', 'node-7', '--nats', 'nats://u:secret@a b'],
    "error [CONFIG_INVALID]: --advertise: 'node-7', expected HOST:PORT, at which other workers reach this one\n--nats: 'nats://***@a b', expected an address such as nats://HOST:4222, or several with a comma between two\n--port: '70000', expected a whole number from 0 to 65535\n",
  ],
  ['a prediction without a run', ['predict', 'digit.png'], 'error [RUN_NOT_FOUND]: there is no run in '],
  [
    'an export without a format',
    ['export', 'demo', '--out', 'here'],
    "error: required option '--format <name>' not specified\n",
  ],
  [
    'an evaluation on an unknown device',
    ['evaluate', 'demo', '--device', 'cdua'],
    "error [CONFIG_INVALID]: --device: 'cdua', expected one of auto, cpu, webgpu, cuda; did you mean cuda?\n",
  ],
  [
    'a study with an unknown arm',
    ['ablate', '--dataset', 'mnist', '--arms', 'no-injection,view-3'],
    "error [CONFIG_INVALID]: --arms: there is no arm 'view-3', expected some of no-injection, augmented, ",
  ],
  [
    'a study with a seed twice',
    ['ablate', '--dataset', 'mnist', '--seeds', '1-3,2'],
    'error [CONFIG_INVALID]: --seeds: 2 is given twice, expected it once\n',
  ],
  [
    'a study with a seed of its own',
    ['ablate', '--dataset', 'mnist', '--set', 'seed=3'],
    'error [CONFIG_INVALID]: seed: 3, expected --seeds instead: a study has several\n',
  ],
  [
    'a study on attacked samples with an engine that cannot attack',
    ['ablate', '--dataset', 'mnist', '--adversarial', '--engine', 'tensorflow'],
    "error [CONFIG_INVALID]: engine.name: 'tensorflow', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs\n",
  ],
  [
    'a study whose baseline is none of its arms',
    ['ablate', '--dataset', 'mnist', '--arms', 'views-2,views-3', '--baseline', 'views-4'],
    "error [CONFIG_INVALID]: --baseline: 'views-4', expected one of the arms of the study: views-2, views-3; did you mean views-2?\n",
  ],
  [
    'a study with a key that an arm sets',
    ['ablate', '--dataset', 'mnist', '--arms', 'views-3,cross', '--set', 'model.injection=none'],
    'error [CONFIG_INVALID]: model.injection: "none", expected "additive" as in preset mnist-fast, because it is set by views-3, cross; leave it out, or leave these arms out with --arms\n',
  ],
  [
    'a study without a dataset',
    ['ablate', '--arms', 'views-3'],
    `error [CONFIG_INVALID]: dataset: missing, expected one of ${DATASETS.join(', ')}\n`,
  ],
  [
    'a study whose name leads out of its folder',
    ['ablate', '--dataset', 'mnist', '--study', '../x'],
    "error [RUN_NAME_INVALID]: '../x' cannot be the name of a study: expected ",
  ],
  [
    'a simulated host with three ranks',
    ['simulate', '--ranks-per-host', '3'],
    "error: option '--ranks-per-host <number>' argument '3' is invalid. Expected a power of two from 1 to 4096.\n",
  ],
  [
    'a simulated link without speed',
    ['simulate', '--gbit', '0'],
    "error: option '--gbit <number>' argument '0' is invalid. Expected a number above 0.\n",
  ],
  [
    'a coordinator that is not there',
    ['status', '--coordinator', '127.0.0.1:1'],
    'error [COORDINATOR_UNREACHABLE]: no coordinator answers at 127.0.0.1:1: ',
  ],
])('refuses %s', async (_, args, message) => {
  const { stdout, stderr } = await refused(args);
  expect(stderr.startsWith(message), stderr).toBe(true);
  expect(stdout).toBe('');
});

test('names every problem of a file, the environment and the flags at once', async () => {
  const file = path.join(folder, 'facet.yaml');
  await writeFile(file, 'epoch: 3\nmodel:\n  depth: two\n');
  const { stderr } = await refused(['coordinator', '--config', file, '--dataset', 'mnist'], { FACET_SEED: 'seven' });
  expect(stderr).toBe(
    [
      'error [CONFIG_INVALID]: 3 problems:',
      "  seed: 'seven' (from FACET_SEED), expected a whole number of at least 0",
      `  model.depth: 'two' (from ${file}), expected a whole number from 1 to 256`,
      `  epoch: unknown key (from ${file}); did you mean epochs?`,
      '',
    ].join('\n'),
  );
});

test('names the line of a file that is no YAML', async () => {
  const file = path.join(folder, 'broken.yaml');
  await writeFile(file, 'seed: 1\nmodel: [1, 2\n');
  const { stderr } = await refused([...up, '--config', file]);
  expect(stderr).toContain(`error [CONFIG_INVALID]: ${file}: `);
  expect(stderr).toMatch(/at line \d+, column \d+/);
});

test('with --json, the error is one object on the last line of stdout', async () => {
  const bad = await refused(['up', '--dataset', 'mnits', '--json']);
  expect(JSON.parse(bad.stdout)).toEqual({
    error: { code: 'CONFIG_INVALID', message: expect.stringContaining('mnits') },
  });
  const unknown = await refused(['up', '--josn', '--json']);
  expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'CONFIG_INVALID' } });
});

test('refuses a busy port', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { stderr } = await refused([...up, '--set', `coordinator.httpPort=${port}`]);
  expect(stderr).toContain(`error [PORT_BUSY]: coordinator.httpPort: port ${port} on 127.0.0.1 is in use`);
  server.close();
});

test('refuses a broker that does not work, and names it', async () => {
  const { stderr } = await refused(up, { NATS_SERVER_BIN: '/nowhere/nats-server' });
  expect(stderr).toContain('error [BROKER_NOT_FOUND]');
  expect(stderr).toContain('NATS_SERVER_BIN=/nowhere/nats-server: no such file');
});

test.each([
  ['tensorflow', up, 'npx facet engine install tensorflow`'],
  ['tensorflow-gpu', up, 'npx facet engine install tensorflow --gpu`'],
  ['tensorflow', ['ablate', '--dataset', 'mnist'], 'npx facet engine install tensorflow`'],
  ['tensorflow', ['worker', '--coordinator', '127.0.0.1:1'], 'npx facet engine install tensorflow`'],
])('refuses the engine %s where it is not installed, before %j starts anything', async (engine, args, advice) => {
  const { stdout, stderr } = await refused([...args, '--engine', engine], { FACET_CACHE: path.join(folder, 'none') });
  expect(stdout).toBe('');
  expect(stderr).toMatch(new RegExp(`^error \\[ENGINE_UNAVAILABLE\\]: the engine ${engine} is not installed: `));
  expect(stderr).toContain(`Run \`${advice}, or use another engine\n`);
});

test.each(['up', 'ablate', 'evaluate', 'predict', 'worker'])(
  'refuses %s --device gpu, and names both',
  async (command) => {
    const options: Readonly<Record<string, readonly string[]>> = {
      up: ['--dataset', 'mnist'],
      ablate: ['--dataset', 'mnist'],
      evaluate: ['a-run'],
      predict: ['a.png'],
      worker: ['--coordinator', '127.0.0.1:1'],
    };
    const { stderr } = await refused([command, ...(options[command] ?? []), '--device', 'gpu']);
    expect(stderr).toMatch(/^error \[CONFIG_INVALID\]: (--device|engine\.device): 'gpu'/);
    expect(stderr).toContain('expected one of auto, cpu, webgpu, cuda; for a GPU say cuda (NVIDIA) or webgpu\n');
  },
);

describe('a folder that is none of ours', () => {
  const wrong = () => path.join(folder, 'photos');

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

test('refuses a damaged dataset, and names the file', async () => {
  const data = path.join(folder, 'data');
  await mkdir(data);
  for (const split of ['train', 't10k']) {
    await writeFile(path.join(data, `${split}-images-idx3-ubyte`), 'short');
    await writeFile(path.join(data, `${split}-labels-idx1-ubyte`), 'short');
  }
  const { stderr } = await refused([...up, '--data-folder', data]);
  expect(stderr).toContain('error [DATASET_INVALID]');
  expect(stderr).toContain(path.join(data, 'train-images-idx3-ubyte'));
});

test('help is no failure, and no command asks for it', async () => {
  const help = await runInProcess(['up', '--help'], {});
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('facet up --dataset mnist --workers 2');
  expect(help.stdout).not.toContain('exit-with-parent');
  const alone = await runInProcess([], {});
  expect(alone).toEqual(await runInProcess(['--help'], {}));
  expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: facet') as string });
});

test('the built command says the same, and ends with the same code', async () => {
  for (const args of [['up', '--help'], ['up', '--dataset', 'mnits', '--json'], []]) {
    const { stdout, stderr, code } = await runInProcess(args, {});
    const named = { stdout: withCommandName(stdout, 'npx facet'), stderr: withCommandName(stderr, 'npx facet') };
    expect(await runCli(args, {})).toEqual({ code, ...named });
  }
});

describe('with a study that exists', () => {
  const env = () => ({ FACET_RUNS: path.join(folder, 'studied') });
  const study = () => path.join(folder, 'studied', 'studies', 'demo');

  beforeAll(async () => {
    await mkdir(study(), { recursive: true });
    const plan = studyPlan(['no-injection', 'views-3'], [1, 2]);
    await writeFile(path.join(study(), 'plan.json'), JSON.stringify({ ...plan, study: 'demo' }));
  });

  it.each([
    [['--epochs', '9'], 'study demo was planned with another epochs; leave it out to go on'],
    [['--preset', 'cifar10-fast'], 'preset: '],
    [['--baseline', 'cross'], "--baseline: 'cross', expected one of the arms of the study: no-injection, views-3"],
  ])('does not go on with %j, and writes nothing', async (args, message) => {
    const { code, stderr } = await runInProcess(['ablate', '--study', 'demo', ...args], env());
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(study())).toEqual(['plan.json']);
  });

  it('does not begin without a broker, and writes nothing', async () => {
    const broken = { ...env(), NATS_SERVER_BIN: '/nowhere/nats-server' };
    const { code, stderr } = await runInProcess(['ablate', '--study', 'demo'], broken);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('error [BROKER_NOT_FOUND]');
    expect(await readdir(study())).toEqual(['plan.json']);
  });
});

describe('with a run that exists', () => {
  const env = () => ({ FACET_RUNS: path.join(folder, 'existing') });
  const run = () => path.join(folder, 'existing', 'demo');

  beforeAll(async () => {
    await mkdir(run(), { recursive: true });
    const resolved = resolveConfig({ environment: {}, flags: { run: 'demo', dataset: 'mnist' } });
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
    const { seed, model } = PRESETS['mnist-fast'];
    const { depth } = model;
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
      ['export', 'dmeo', '--format', 'onnx', '--out', path.join(folder, 'out')],
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
