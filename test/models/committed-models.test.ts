/**
 * The weights under models/: every preset has some, they are what the preset trains, and they reach what is recorded of it.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '@facet/datasets';
import { ARITHMETIC, trainingPart, type TrainingConfig } from '@facet/shared';
import { PRESET_RECORDS, PRESETS, type PresetName } from '@facet/multiview/config';
import { openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';

/** Trained before the norm that clips was mended, and not yet trained anew: what is recorded of them is true of these weights. */
const OF_FIRST_ARITHMETIC: readonly PresetName[] = ['cifar10-best'];

const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace[Symbol.asyncDispose]());

describe.each(Object.keys(PRESETS) as PresetName[])('models/%s', (name) => {
  const folder = path.join(MODELS, name);

  it('is what the preset trains', async () => {
    const { config } = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8')) as { config: TrainingConfig };
    expect(trainingPart(config)).toMatchObject({
      ...PRESETS[name],
      preset: name,
      arithmetic: OF_FIRST_ARITHMETIC.includes(name) ? 1 : ARITHMETIC,
    });
  });

  it('says everywhere the hash of the weights that it holds', async () => {
    const [run, config, readme] = await Promise.all(
      ['run.json', 'config.json', 'README.md'].map((file) => readFile(path.join(folder, file), 'utf8')),
    );
    const { weightsSha256 } = JSON.parse(run!) as { weightsSha256: string };
    expect(JSON.parse(config!)).toMatchObject({ weightsSha256 });
    expect(readme).toContain(weightsSha256);
  });

  it('reaches what is recorded of it', { timeout: 120_000 }, async ({ skip }) => {
    const { dataset } = PRESETS[name];
    const reason = await openDataset({ name: dataset }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (reason !== undefined) skip(`there is no ${dataset} on this machine: ${reason}`);
    const { accuracy } = parseJson(await workspace.run(['evaluate', folder, '--report', workspace.folder, '--json']));
    expect(accuracy).toBeCloseTo(PRESET_RECORDS[name].testAccuracy, 3);
  });
});
