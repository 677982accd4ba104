import { describe, expect, it } from 'vitest';
import { PRESETS } from './presets.js';
import { resolveConfig } from './resolve-config.js';
import type { RunConfig, TrainingConfig } from './schema.js';
import { trainingIdentity, trainingPart } from './training-part.js';

function configOf(flags: object = {}): RunConfig {
  const resolved = resolveConfig({ environment: {}, flags: { dataset: 'mnist', run: 'demo', ...flags } });
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
    expect(trainingPart(stored as RunConfig)).toEqual(trainingPart(configOf()));
  });
});

describe('what identifies a configuration', () => {
  it('does not change by a key that came later, until that is set to something else', () => {
    const { gradientFormat: _, ...before } = trainingPart(configOf());
    expect(JSON.stringify(trainingIdentity(before as TrainingConfig))).toBe(JSON.stringify(before));
    expect(trainingIdentity(configOf())).toEqual(before);
    expect(trainingIdentity(configOf({ gradientFormat: 'int8' }))).toEqual({ ...before, gradientFormat: 'int8' });
  });
});
