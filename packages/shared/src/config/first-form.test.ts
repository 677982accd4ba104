/**
 * Files that a build of configuration version 4 wrote: configurations of runs, with the checksum that stands in their ledgers, and
 * the plan of a study. `earlier.json` is of a build before the optimizer had a name.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tasks } from '../../test/resolving.js';
import { fromFirstForm } from './first-form.js';
import type { Mapping } from './layers.js';
import { resolveConfig } from './resolve-config.js';
import type { RunConfig } from './schema.js';
import { trainingIdentity, trainingPart } from './training-part.js';

interface StoredRun {
  readonly config: Mapping;
  readonly configSha256: string;
}

const storedRun = (name: string): StoredRun =>
  JSON.parse(readFileSync(new URL(`../../test/first-form/${name}.json`, import.meta.url), 'utf8')) as StoredRun;

function resolved(file: unknown): RunConfig {
  const resolution = resolveConfig({ tasks, environment: {}, file, flags: { run: 'old' } });
  if (!resolution.ok) throw new Error(resolution.problems.join('\n'));
  return resolution.config;
}

const checksumOf = (config: RunConfig): string =>
  createHash('sha256')
    .update(JSON.stringify(trainingIdentity(config)))
    .digest('hex');

describe.each(['multiview', 'module', 'earlier'])('a run that was stored before a task had a name: %s', (name) => {
  const { config, configSha256 } = storedRun(name);

  it('has the checksum that its ledger says, however it is read', () => {
    expect(checksumOf(resolved(fromFirstForm(config)))).toBe(configSha256);
    expect(checksumOf(resolved(config))).toBe(configSha256);
  });

  it('is the same configuration as it is stored today', () => {
    const today = resolved(fromFirstForm(config));
    expect(today).not.toHaveProperty('model');
    expect(today).not.toHaveProperty('adversarial');
    const again = JSON.parse(JSON.stringify(today)) as Mapping;
    expect(fromFirstForm(again)).toEqual(again);
    expect(resolved(again)).toEqual(today);
    expect(checksumOf(resolved(again))).toBe(configSha256);
  });

  it('has another checksum with another option', () => {
    const today = resolved(config);
    const { options } = today.task;
    const other = { ...today, task: { ...today.task, options: { ...options, another: 1 } } };
    expect(checksumOf(other)).not.toBe(configSha256);
  });
});

it('has the options of its task in the training half', () => {
  const { config } = storedRun('multiview');
  const { model, augmentation, adversarial } = config;
  expect(trainingPart(config).task).toEqual({ name: 'multiview', options: { model, augmentation, adversarial } });
});

it('leaves alone what is no configuration, and attacks that a module was told to make', () => {
  for (const value of [undefined, null, 3, 'model', ['model'], {}, { model: 3 }]) {
    expect(fromFirstForm(value)).toEqual(value);
  }
  const attacked = { task: { module: 'task.mjs' }, adversarial: { eps: 0.1 } };
  expect(fromFirstForm(attacked)).toEqual(attacked);
});
