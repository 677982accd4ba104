import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatRecord, type LedgerRecord, type Mapping } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { loadConfig, loadStoredConfig, readConfigFile } from './load-config.js';

it('refuses to go on with a run that was begun by another arithmetic, and says what can be done with it', async () => {
  const runs = await mkdtemp(path.join(tmpdir(), 'facet-runs-'));
  onTestFinished(() => rm(runs, { recursive: true, force: true }));
  const { arithmetic: _, ...preset } = PRESETS['mnist-fast'];
  await mkdir(path.join(runs, 'old'));
  await writeFile(path.join(runs, 'old', 'ledger.jsonl'), '');
  await writeFile(
    path.join(runs, 'old', 'config.json'),
    JSON.stringify({ ...preset, preset: 'mnist-fast', run: 'old' }),
  );
  await expect(loadStoredConfig('old', { env: {}, runs, flags: {}, configFile: undefined })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^arithmetic: 1, an earlier build's.*start a new run/) as string,
  });
});

it.skipIf(process.platform === 'win32').each<[string, (file: string) => unknown, RegExp]>([
  ['a pipe', (file) => execFileSync('mkfifo', [file]), /it is a pipe, expected a regular file/],
  ['a folder', (file) => mkdir(file), /it is a folder, expected a regular file/],
  [
    'a file too long',
    (file) => writeFile(file, ' '.repeat(2 ** 17 + 1)),
    /it has 131073 bytes, expected at most 131072/,
  ],
  ['one that grows when it is read', (file) => writeFile(file, bomb()), /Excessive alias count/],
  ['one too deep', (file) => writeFile(file, '['.repeat(2 ** 15)), /expected a YAML file with configuration keys/],
])('refuses %s as a configuration', async (_, make, expected) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'facet.yaml');
  await make(file);
  await expect(readConfigFile(file)).rejects.toThrow(expected);
});

/** Ten lists, each of which is ten times the one before. */
function bomb(): string {
  const lines = Array.from(
    { length: 10 },
    (_, i) =>
      `a${i}: &a${i} [${Array(10)
        .fill(i === 0 ? '1' : `*a${i - 1}`)
        .join(', ')}]`,
  );
  return lines.join('\n');
}

/** The folder of a run with a stored configuration, in a folder of runs. */
async function storeRun(name: string, stored: Record<string, unknown>): Promise<string> {
  const runs = await mkdtemp(path.join(tmpdir(), 'facet-runs-'));
  onTestFinished(() => rm(runs, { recursive: true, force: true }));
  await mkdir(path.join(runs, name));
  await writeFile(path.join(runs, name, 'ledger.jsonl'), '');
  await writeFile(path.join(runs, name, 'config.json'), JSON.stringify(stored));
  return runs;
}

const STORED = { ...PRESETS['mnist-fast'], preset: 'mnist-fast' };

it.each([
  ['as this version stores it', STORED],
  ['with the name that an earlier version stored', { ...STORED, run: 'before' }],
])('goes on with a run under the name of its folder, wherever that is: %s', async (_, stored) => {
  const runs = await storeRun('renamed', stored);
  const options = { env: {}, flags: {}, configFile: undefined };
  const byName = await loadStoredConfig('renamed', { ...options, runs });
  expect(byName).toMatchObject({ config: { run: 'renamed' }, paths: { folder: path.join(runs, 'renamed') } });
  const byPath = await loadStoredConfig(path.join(runs, 'renamed'), { ...options, runs: '/nowhere' });
  expect(byPath).toMatchObject({ config: { run: 'renamed' }, paths: { folder: path.join(runs, 'renamed') } });
  await expect(loadStoredConfig('renamed', { ...options, runs, flags: { run: 'other' } })).rejects.toThrow(
    "run: 'other', expected 'renamed', which is resumed",
  );
});

it('starts a run with the stored configuration of another one: it gets a name and a broker of its own', async () => {
  const runs = await storeRun('first', STORED);
  const configFile = path.join(runs, 'first', 'config.json');
  const { config, sourceOf } = await loadConfig({ env: {}, runs, flags: {}, configFile });
  expect(config.run).toMatch(/^mnist-fast-\d{8}-\d{6}$/);
  expect(sourceOf('nats.url')).toBe('default');
});

describe('a run that is changed', () => {
  const hash = 'a'.repeat(64);
  const at = '2026-03-01T12:00:00.000Z';
  const head: LedgerRecord = {
    ...{ kind: 'run', version: 1, run: 'demo', dataset: 'mnist', datasetSha256: hash, trainSamples: 256 },
    ...{ seed: 1, globalBatch: 128, microBatch: 32, epochs: 3, configSha256: hash, at },
  };
  const commit = (step: number): LedgerRecord => ({
    ...{ kind: 'commit', step, epoch: Math.floor((step - 1) / 2), generation: 1, samples: Uint32Array.of(1) },
    ...{ loss: 1, weightsCrc: '00000000', at },
  });
  /** Two steps an epoch. */
  const load = async (steps: number, flags: Mapping, more: LoadMore = {}) => {
    const runs = await storeRun('demo', more.stored ?? STORED);
    const records = [head, ...Array.from({ length: steps }, (_, i) => commit(i + 1)), ...(more.records ?? [])];
    await writeFile(path.join(runs, 'demo', 'ledger.jsonl'), records.map((one) => `${formatRecord(one)}\n`).join(''));
    const { file, schedule } = more;
    const configFile = file && path.join(runs, 'facet.yaml');
    if (configFile !== undefined) await writeFile(configFile, JSON.stringify(file));
    return loadStoredConfig('demo', { env: {}, runs, flags, configFile, schedule });
  };
  interface LoadMore {
    readonly stored?: Record<string, unknown>;
    readonly records?: readonly LedgerRecord[];
    readonly file?: Mapping;
    readonly schedule?: 'restart';
  }

  it('has more epochs from the next step on; a schedule that has ended holds its last rate, and that is said', async () => {
    const { config, notes } = await load(6, { epochs: 5 });
    const change = { afterStep: 6, epochs: { from: 3, to: 5 }, schedule: 'hold' };
    expect(config).toMatchObject({ epochs: 5, changes: [change] });
    expect(notes).toEqual([
      'epochs 3 -> 5 from step 7 on; learning rate: step 6 had 0.00006000, step 7 has 0.00006000, the last one 0.00006000',
      expect.stringMatching(/^the schedule \(cosine\) has run to its end: .*--schedule restart/),
    ]);
  });

  it('stretches a schedule that has not ended, and begins it again where that is asked for', async () => {
    expect((await load(4, { epochs: 5 })).config.changes).toMatchObject([{ afterStep: 4, schedule: 'stretch' }]);
    const { config, notes } = await load(6, { epochs: 5 }, { schedule: 'restart' });
    expect(config.changes).toMatchObject([{ schedule: 'restart' }]);
    expect(notes).toEqual([expect.stringContaining('step 6 had 0.00006000, step 7 has 0.006000')]);
  });

  it('takes what else this command says', async () => {
    const { config } = await load(4, { epochs: 5, workers: { count: 3 }, stopWhen: [] });
    expect(config).toMatchObject({ epochs: 5, workers: { count: 3 }, changes: [{ afterStep: 4 }] });
  });

  it('may have another learning rate, whose schedule goes on', async () => {
    const { config } = await load(2, { optimizer: { peakLearningRate: 0.001 } });
    const from = STORED.optimizer.peakLearningRate;
    expect(config.optimizer.peakLearningRate).toBe(0.001);
    expect(config.changes).toEqual([{ afterStep: 2, optimizer: { peakLearningRate: { from, to: 0.001 } } }]);
  });

  it('keeps what the ledger says, also when a crash came before it was stored; what is asked for again is no change', async () => {
    const change = { afterStep: 6, epochs: { from: 3, to: 5 }, schedule: 'hold' } as const;
    const records = [{ kind: 'change', ...change, at } as const];
    for (const stored of [STORED, { ...STORED, epochs: 5, changes: [change] }]) {
      for (const flags of [{}, { epochs: 5 }]) {
        const { config } = await load(6, flags, { stored, records });
        expect(config).toMatchObject({ epochs: 5, changes: [change] });
      }
      const { config } = await load(6, { epochs: 6 }, { stored, records });
      expect(config.changes).toEqual([change, { ...change, epochs: { from: 5, to: 6 } }]);
    }
  });

  it('is handed on whole to the coordinator that the launch starts, which adds nothing', async () => {
    const { config } = await load(6, { epochs: 5 });
    const again = await load(6, {}, { file: config });
    expect(again.config).toEqual(config);
  });

  it.each<[string, number, Mapping, LoadMore, RegExp]>([
    ['fewer epochs', 2, { epochs: 2 }, {}, /^epochs: 2, expected at least 3, which run demo has/],
    [
      'a change that no step is left for',
      6,
      { optimizer: { clipNorm: 3 } },
      { schedule: 'restart' },
      /^optimizer.clipNorm, --schedule: run demo has done all steps .* add --epochs with more than 3$/,
    ],
    [
      'what decides other things',
      2,
      { epochs: 5, seed: 9 },
      {},
      /^seed is 1 in run demo, asked for 9: .*except epochs/,
    ],
    [
      'changes of another run',
      2,
      {},
      { file: { epochs: 4, changes: [{ afterStep: 2, epochs: { from: 2, to: 4 } }] } },
      /changes/,
    ],
  ])('refuses %s', async (_, steps, flags, more, expected) => {
    await expect(load(steps, flags, more)).rejects.toThrow(expected);
  });
});

describe('a run that a build stored before options had a place of their own', () => {
  const file = new URL('../../../shared/test/first-form/multiview.json', import.meta.url);
  const { config: stored } = JSON.parse(readFileSync(file, 'utf8')) as { config: Record<string, unknown> };
  const options = { env: {}, configFile: undefined };

  it('goes on as it was, with its options in their place, also where its own file is named again', async () => {
    const runs = await storeRun('old', stored);
    const { config, notes } = await loadStoredConfig('old', { ...options, runs, flags: {} });
    const { model, augmentation, adversarial } = stored;
    expect(config.task).toEqual({ name: 'multiview', options: { model, augmentation, adversarial } });
    expect(config).toMatchObject({ epochs: stored['epochs'], samples: stored['samples'] });
    expect(notes).toEqual([]);
    const configFile = path.join(runs, 'old', 'config.json');
    const again = await loadStoredConfig('old', { ...options, configFile, runs, flags: {} });
    expect(again.config).toEqual(config);
  });

  it.each<[string, Mapping]>([
    ['model.depth', { model: { depth: 9 } }],
    ['task.options.model.depth', { task: { options: { model: { depth: 9 } } } }],
  ])('is not changed by %s, which is named as it was written', async (key, flags) => {
    const runs = await storeRun('old', stored);
    await expect(loadStoredConfig('old', { ...options, runs, flags })).rejects.toMatchObject({
      code: 'CHECKPOINT_INCOMPATIBLE',
      message: expect.stringMatching(new RegExp(`^${key} is 2 in run old, asked for 9: `)) as string,
    });
  });
});
