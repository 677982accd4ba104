import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { resolveConfig, type ConfigInput } from './resolve-config.js';
import type { Mapping } from './layers.js';
import type { NamedTask, NamedTasks } from './named-task.js';
import { TASK_TRAINING } from './defaults.js';
import { configOf, minimal, problemsOf, tasks, withFlags } from '../../test/resolving.js';

const long = (options: Mapping): Mapping => ({ task: { options } });

describe('an option', () => {
  test.each<[string, Mapping]>([
    ['in its short form', { model: { depth: 3 } }],
    ['in its long form', long({ model: { depth: 3 } })],
    ['beside the name of the task', { task: { name: 'multiview', options: { model: { depth: 3 } } } }],
  ])('means the same %s', (_, flags) => {
    const { depth, ...others } = configOf(withFlags(flags)).task.options['model'] as { depth: number };
    expect(depth).toBe(3);
    expect({ depth: 2, ...others }).toEqual(configOf({ flags: minimal }).task.options['model']);
  });

  it('may be written in another form by each layer, and the stronger layer wins', () => {
    const of = (file: Mapping, flags: Mapping): unknown =>
      configOf({ file, ...withFlags(flags) }).task.options['model'];
    expect(of(long({ model: { depth: 3, heads: 2 } }), { model: { depth: 4 } })).toMatchObject({ depth: 4, heads: 2 });
    expect(of({ model: { depth: 3, heads: 2 } }, long({ model: { depth: 4 } }))).toMatchObject({ depth: 4, heads: 2 });
  });

  it('has its source under both names', () => {
    const resolved = resolveConfig({ tasks, environment: {}, file: { model: { depth: 3 } }, flags: minimal });
    if (!resolved.ok) throw new Error(resolved.problems.join());
    for (const key of ['model.depth', 'task.options.model.depth']) expect(resolved.sourceOf(key)).toBe('file');
    expect(resolved.sourceOf('model.width')).toBe('preset');
  });

  it('is named in a message as it was written', () => {
    const wrong = { model: { depth: 0, widht: 8 }, augmentation: { flip: true } };
    const lines = [
      'model.depth: 0 (from the file), expected a whole number from 1 to 256',
      'model.widht: unknown key (from the file); did you mean model.width?',
      'augmentation.flip: true, expected false: the mirror image of a digit of mnist is no digit',
    ];
    expect(problemsOf({ file: wrong, flags: minimal })).toEqual(lines);
    const longLines = lines.map((line) =>
      line.replace(/^(model|augm)/, 'task.options.$1').replace('mean model', 'mean task.options.model'),
    );
    expect(problemsOf({ file: long(wrong), flags: minimal })).toEqual(longLines);
  });

  it('is refused when one layer writes it in both forms', () => {
    const twice = { model: { depth: 3, heads: 2 }, ...long({ model: { depth: 4 } }) };
    expect(problemsOf(withFlags(twice))).toEqual([
      'model.depth: also set as task.options.model.depth, expected one of the two: they are the same key',
    ]);
  });
});

describe('the name of a task', () => {
  it('has the closest name beside one that is mistyped', () => {
    expect(problemsOf(withFlags({ task: { name: 'multivew' } }))).toEqual([
      "task.name: 'multivew' (from the command line), expected multiview; did you mean multiview?; a task of your own has its file in task.module",
    ]);
  });

  it('stands for nothing beside a module, and neither do the keys of another task', () => {
    const task = { name: 'mine', sha256: 'a'.repeat(64), training: {}, optionNames: [], optionIssues: () => [] };
    const flags = { run: 'demo', model: { depth: 3 }, task: { name: 'multiview', module: 'task.mjs' } };
    expect(problemsOf({ flags, task })).toEqual([
      "task.name: 'multiview', expected nothing with task.module 'task.mjs'",
      'model: {"depth":3}, expected nothing: it is a key of the multi-view model, and task.module \'task.mjs\' trains another; its own keys stand under task.options',
    ]);
  });
});

/** A task with one option, which no other one has. */
const COUNTING: NamedTask = {
  name: 'counting',
  title: 'the counting model',
  options: z.strictObject({ counter: z.strictObject({ from: z.int().min(0).max(9).describe('Where it begins.') }) }),
  presets: {
    'count-up': { ...TASK_TRAINING, dataset: 'mnist', task: { name: 'counting', options: { counter: { from: 1 } } } },
  },
  presetsFor: () => ['count-up'],
  attacked: () => ({}),
  problems: ({ options, keyName }) =>
    (options['counter'] as { from: number }).from === 4 ? [`${keyName('counter.from')}: 4, expected another`] : [],
};

describe('two tasks', () => {
  const both: NamedTasks = [tasks[0], COUNTING];
  const input = (flags: object): ConfigInput => ({ tasks: both, environment: {}, flags: { run: 'demo', ...flags } });

  it('have options, presets and short keys of their own', () => {
    const byPreset = resolveConfig(input({ preset: 'count-up' }));
    expect(byPreset).toMatchObject({
      ok: true,
      config: { dataset: 'mnist', task: { name: 'counting', options: { counter: { from: 1 } } } },
    });
    expect(resolveConfig(input({ dataset: 'mnist', task: { name: 'counting' } }))).toEqual(
      expect.objectContaining({ config: byPreset.ok && byPreset.config }),
    );
    const first = resolveConfig(input({ dataset: 'mnist' }));
    expect(first).toMatchObject({ ok: true, config: { preset: 'mnist-fast', task: { name: 'multiview' } } });
    expect(resolveConfig(input({ preset: 'count-up', counter: { from: 3 } }))).toMatchObject({
      config: { task: { options: { counter: { from: 3 } } } },
    });
  });

  it('judge their own options', () => {
    const problems = (flags: object): unknown => {
      const resolved = resolveConfig(input(flags));
      return resolved.ok ? [] : resolved.problems;
    };
    expect(problems({ preset: 'count-up', counter: { from: 4 } })).toEqual(['counter.from: 4, expected another']);
    expect(problems({ preset: 'count-up', model: { depth: 3 } })).toEqual([
      expect.stringMatching(/^model: unknown key \(from the command line\)/),
    ]);
    expect(problems({ preset: 'mnist-fast', task: { name: 'counting' } })).toEqual([
      "preset: 'mnist-fast' (from the command line), expected count-up",
    ]);
  });
});
