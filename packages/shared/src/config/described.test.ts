import { describe, expect, it } from 'vitest';
import { configKeys } from './config-keys.js';
import { tasks } from '../../test/resolving.js';
import { configFileSchema, descriptionOf, type DescribedSchema } from './described.js';
import { OPERATION_DEFAULTS } from './defaults.js';

/** Every key at any depth, those of list items too, with its schema. */
function keysBelow(schema: DescribedSchema, at = ''): [key: string, schema: DescribedSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, of]) => [
    [`${at}${name}`, of] as [string, DescribedSchema],
    ...keysBelow(of, `${at}${name}.`),
    ...(of.items === undefined ? [] : keysBelow(of.items, `${at}${name}[].`)),
  ]);
}

const KEYS = keysBelow(configFileSchema(tasks));

describe('the schema of a configuration file', () => {
  it('says of every key what it means, in a sentence', () => {
    expect(KEYS.length).toBeGreaterThan(100);
    const silent = KEYS.filter(([, { description }]) => (description?.length ?? 0) < 10).map(([key]) => key);
    expect(silent).toEqual([]);
    const unfinished = KEYS.filter(([, { description }]) => !/[.)`]$/.test(description ?? '')).map(([key]) => key);
    expect(unfinished).toEqual([]);
  });

  it('has the default of every key of the operational half that has one, and of those that presets agree on', () => {
    const defaults = new Map(KEYS.map(([key, of]) => [key, of.default]));
    expect(defaults.get('checkpoint.keep')).toBe(OPERATION_DEFAULTS.checkpoint.keep);
    expect(defaults.get('timeouts.stepMs')).toBe(OPERATION_DEFAULTS.timeouts.stepMs);
    expect(defaults.get('balance')).toBe(false);
    expect(defaults.get('stopWhen')).toEqual([]);
    expect(defaults.get('optimizer.beta1')).toBe(0.9);
    expect(defaults.get('gradientFormat')).toBe('fp32');
    // Presets have different ones.
    expect(defaults.get('model.width')).toBeUndefined();
    expect(defaults.get('epochs')).toBeUndefined();
    expect(defaults.get('dataFolder')).toBeUndefined();
  });

  it('is what a single key is asked for', () => {
    for (const key of configKeys(tasks, tasks[0]).all) expect(descriptionOf(key, tasks), key).toBeDefined();
    expect(descriptionOf('batch.micro', tasks)).toMatch(/^Samples of one call of the program/);
    expect(descriptionOf('batch.mirco', tasks)).toBeUndefined();
    expect(descriptionOf('batch.constructor', tasks)).toBeUndefined();
  });
});
