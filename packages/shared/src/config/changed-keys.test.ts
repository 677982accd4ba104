import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { changedTrainingKeys } from './changed-keys.js';
import { mergeMappings, nest } from './layers.js';
import { PRESETS } from '@facet/multiview/config';
import { resolveConfig } from './resolve-config.js';
import type { RunConfig, TrainingConfig } from './schema.js';
import { shortKey } from './short-keys.js';
import { tasks } from '../../test/resolving.js';

const config = { preset: 'mnist-fast', ...PRESETS['mnist-fast'] } as TrainingConfig;
const changed = (key: string, value: unknown): TrainingConfig =>
  mergeMappings(config, nest(longKey(key), value)) as unknown as TrainingConfig;
const longKey = (key: string): string =>
  /^(model|augmentation|adversarial)\./.test(key) ? `task.options.${key}` : key;

test.each([
  ['seed', 20],
  ['dataset', 'cifar10'],
  ['epochs', 77],
  ['batch.micro', 77],
  ['model.width', 800],
  ['model.views', ['identity', 'zoom-out', 'zoom-in']],
  ['model.pixels.mean', [0.77]],
  ['optimizer.weightDecay', 0.77],
  ['augmentation.flip', true],
  ['samples.train', 77],
  ['samples.heldOut', 77],
  ['evaluation', 'held-out'],
  ['optimizer.emaDecay', 0.9],
  ['augmentation.mixup.share', 0.5],
  ['adversarial.eps', 0.3],
  ['gradientFormat', 'int8'],
])('names %s', (key, value) => {
  const found = changedTrainingKeys(config, changed(key, value));
  expect(found).toEqual([longKey(key)]);
  expect(found.map((name) => shortKey(name, tasks))).toEqual([key]);
});

describe('changedTrainingKeys', () => {
  it('names another source of a task and other options, but not another place of the same source', () => {
    const task = { module: '/here/task.mjs', sha256: 'a'.repeat(64), options: { width: 8 } };
    const before = { ...config, task };
    const changesTo = (more: object): string[] =>
      changedTrainingKeys(before, { ...before, task: { ...task, ...more } });
    expect(changesTo({ module: '/there/task.mjs' })).toEqual([]);
    expect(changesTo({ sha256: 'b'.repeat(64) })).toEqual(['task.sha256']);
    expect(changesTo({ options: { width: 9 } })).toEqual(['task.options.width']);
  });

  it('names nothing when nothing changed, and nothing of the operational half', () => {
    expect(changedTrainingKeys(config, structuredClone(config))).toEqual([]);
    const of = (flags: object): RunConfig => {
      const resolved = resolveConfig({ tasks, environment: {}, flags: { dataset: 'mnist', run: 'demo', ...flags } });
      if (!resolved.ok) throw new Error(resolved.problems.join());
      return resolved.config;
    };
    const other = of({ workers: { count: 7 }, data: 'local', nats: { url: 'nats://other' }, bucketBytes: 8192 });
    expect(changedTrainingKeys(of({}), other)).toEqual([]);
  });

  it('names every changed key, in the order of the schema', () => {
    const keys = ['seed', 'batch.global', 'task.options.model.depth', 'optimizer.beta1'];
    fc.assert(
      fc.property(fc.shuffledSubarray(keys), (subset) => {
        const after = subset.reduce<object>((merged, key) => mergeMappings(merged as never, nest(key, 0.5)), config);
        const expected = keys.filter((key) => subset.includes(key));
        expect(changedTrainingKeys(config, after as TrainingConfig)).toEqual(expected);
      }),
    );
  });
});
