import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PRESETS } from '@facet/shared';
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
