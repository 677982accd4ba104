import { describe, expect, it } from 'vitest';
import { ADAMW_WITH_COSINE } from './optimizer-schema.js';
import { PRESETS } from '@facet/multiview/config';
import { resolveConfig } from './resolve-config.js';
import type { RunConfig } from './schema.js';
import { tasks } from '../../test/resolving.js';
import { trainingIdentity, trainingPart } from './training-part.js';

function configOf(flags: object = {}): RunConfig {
  const resolved = resolveConfig({ tasks, environment: {}, flags: { dataset: 'mnist', run: 'demo', ...flags } });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  return resolved.config;
}

describe('the training part', () => {
  it('has every key of a preset and nothing of the operational half', () => {
    const part = trainingPart(configOf());
    expect(part).toEqual({ preset: 'mnist-fast', ...PRESETS['mnist-fast'] });
  });

  it('is the same for a configuration from before there was a choice of format', () => {
    const { gradientFormat: _, ...stored } = configOf();
    expect(trainingPart(stored)).toEqual(trainingPart(configOf()));
  });
});

describe('what identifies a configuration', () => {
  it('does not change by a key that came later, until that is set to something else', () => {
    const { gradientFormat: _, changes: __, freeze: ___, optimizer, task, ...rest } = trainingPart(configOf());
    const older = Object.entries(optimizer).filter(([key]) => !Object.hasOwn(ADAMW_WITH_COSINE, key));
    const { model, augmentation, adversarial } = task.options;
    const before = { ...rest, model, optimizer: Object.fromEntries(older), augmentation, adversarial };
    expect(JSON.stringify(trainingIdentity(trainingPart(before)))).toBe(JSON.stringify(before));
    expect(trainingIdentity(configOf())).toEqual(before);
    const lion = trainingIdentity(configOf({ optimizer: { name: 'lion' } }));
    expect(lion).toEqual({ ...before, optimizer: { ...Object.fromEntries(older), name: 'lion' } });
    expect(trainingIdentity(configOf({ gradientFormat: 'int8' }))).toEqual({ ...before, gradientFormat: 'int8' });
  });
});
