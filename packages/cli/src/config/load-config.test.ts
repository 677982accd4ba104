import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PRESETS } from '@facet/shared';
import { loadStoredConfig } from './load-config.js';

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
