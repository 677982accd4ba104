import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESETS, PUBLISHED_ADVERSARIES } from '@facet/multiview/config';
import { trainingWish } from './engines.js';
import { ENVIRONMENT_VARIABLES, withoutConfigVariables } from './environment.js';
import { configKeys } from './config-keys.js';
import type { ConfigSource, Mapping } from './layers.js';
import { OPERATION_DEFAULTS } from './defaults.js';
import { resolveConfig } from './resolve-config.js';
import { datasetDefinition, DATASETS } from '../datasets/registry.js';
import { configOf, minimal, preset, problemsOf, tasks, withFlags } from '../../test/resolving.js';

describe('what nobody says', () => {
  it('comes from the preset of the dataset and the defaults', () => {
    expect(configOf({ flags: minimal })).toEqual({
      ...minimal,
      preset: 'mnist-fast',
      ...preset,
      ...OPERATION_DEFAULTS,
    });
  });

  it('comes from a preset that names the dataset', () => {
    expect(configOf({ preset: 'mnist-fast', flags: { run: 'demo' } }).dataset).toBe('mnist');
  });

  it('names the run by dataset and preset, unless the run has a name', () => {
    const defaultRun = ({ dataset, preset }: { dataset: string; preset: string }) => `${dataset}-${preset}`;
    expect(configOf({ flags: { dataset: 'mnist' }, defaultRun }).run).toBe('mnist-mnist-fast');
    expect(configOf({ flags: minimal, defaultRun }).run).toBe('demo');
  });
});

describe('precedence', () => {
  it('is flags, environment, file, preset, default, for any subset of layers', () => {
    // Seed has a value in the preset and workers.count a default; each layer has a value of its own.
    const layers = { file: 10, environment: 20, flags: 30 } as const;
    const subsets = fc.subarray(['file', 'environment', 'flags'] as const);
    fc.assert(
      fc.property(subsets, subsets, (forSeed, forCount) => {
        const said = (layer: keyof typeof layers): Mapping => ({
          ...(forSeed.includes(layer) && { seed: layers[layer] }),
          ...(forCount.includes(layer) && { workers: { count: layers[layer] } }),
        });
        const environment = {
          FACET_SEED: forSeed.includes('environment') ? '20' : undefined,
          FACET_WORKERS: forCount.includes('environment') ? '20' : undefined,
        };
        const resolved = resolveConfig({
          tasks,
          file: said('file'),
          environment,
          flags: { ...minimal, ...said('flags') },
        });
        if (!resolved.ok) throw new Error(resolved.problems.join());
        const strongest = (of: readonly (keyof typeof layers)[]) => of.at(-1);
        const seedLayer = strongest(forSeed);
        const countLayer = strongest(forCount);
        expect(resolved.config.seed).toBe(seedLayer === undefined ? preset.seed : layers[seedLayer]);
        expect(resolved.config.workers.count).toBe(
          countLayer === undefined ? OPERATION_DEFAULTS.workers.count : layers[countLayer],
        );
        expect(resolved.sourceOf('seed')).toBe(seedLayer ?? 'preset');
        expect(resolved.sourceOf('workers.count')).toBe(countLayer ?? 'default');
        expect(resolved.sourceOf('workers.max')).toBe('default' satisfies ConfigSource);
      }),
    );
  });

  it('merges mappings key by key and replaces lists', () => {
    const config = configOf({
      file: { model: { depth: 3, views: ['identity', 'zoom-in'] } },
      flags: { ...minimal, model: { views: ['identity'] } },
    });
    expect(config.task.options['model']).toEqual({ ...preset.task.options.model, depth: 3, views: ['identity'] });
  });

  it('lets a stored configuration stand for itself', () => {
    const config = configOf(withFlags({ seed: 9, workers: { count: 3 }, dataFolder: '/data' }));
    expect(configOf({ file: JSON.parse(JSON.stringify(config)) })).toEqual(config);
  });
});

describe('the engine', () => {
  it.each<[string, string]>([
    ['auto', 'auto'],
    ['auto', 'webgpu'],
    ['tensorflow', 'auto'],
    ['onnxruntime', 'cuda'],
    ['tensorflow-gpu', 'cuda'],
  ])('may be %s on %s', (name, device) => {
    expect(configOf(withFlags({ engine: { name, device } })).engine).toEqual({ name, device, threads: 0 });
  });

  it('is as it was stored when only onnxruntime could be named', () => {
    const engine = { name: 'onnxruntime', device: 'cpu', threads: 2 };
    const stored = { ...configOf({ flags: minimal }), engine };
    expect(configOf({ file: JSON.parse(JSON.stringify(stored)) }).engine).toEqual(engine);
  });
});

describe('adversarial training', () => {
  it.each(Object.values(PRESETS))('is off in the preset of $dataset', ({ task }) => {
    expect(task.options.adversarial.eps).toBe(0);
  });

  it.each(DATASETS)('is turned on for %s as published, over the file and below a key that is named', (dataset) => {
    const published = PUBLISHED_ADVERSARIES[datasetDefinition(dataset).family];
    const on = { isAdversarial: true, file: { adversarial: { eps: 0.01, share: 0.5 } } };
    expect(configOf({ ...on, flags: { run: 'demo', dataset } }).task.options['adversarial']).toEqual(published);
    const flags = { run: 'demo', dataset, adversarial: { eps: 0.2 } };
    expect(configOf({ ...on, flags }).task.options['adversarial']).toEqual({ ...published, eps: 0.2 });
  });

  it('fills in steps and norm for a size that is given by hand', () => {
    const { task } = configOf(withFlags({ adversarial: { eps: 0.1 } }));
    expect(task.options['adversarial']).toEqual({ norm: 'linf', eps: 0.1, steps: 7, stepSize: 0, share: 1 });
  });

  it('is off in a configuration that was stored without it', () => {
    const config = configOf({ flags: minimal });
    const { adversarial: _, ...options } = config.task.options;
    const stored = { ...config, task: { name: 'multiview', options } };
    expect(configOf({ file: JSON.parse(JSON.stringify(stored)) })).toEqual(config);
  });

  it('leaves a worker the engines that can attack, and refuses one that it was told to use', () => {
    const engine = { name: 'auto', device: 'auto' } as const;
    const attacked = { engine, attacks: true };
    expect(trainingWish({}, attacked)).toEqual({ name: 'onnxruntime', device: 'auto' });
    expect(trainingWish({}, { engine, attacks: false })).toEqual(engine);
    expect(() => trainingWish({ name: 'tfjs-cpu' }, attacked)).toThrow(
      "--engine: 'tfjs-cpu', expected auto or onnxruntime: no other engine has the attack program",
    );
  });
});

describe('the result', () => {
  it('is frozen and shares nothing with the presets', () => {
    const config = configOf({ flags: minimal });
    const model = config.task.options['model'] as { readonly views: readonly string[] };
    expect(Object.isFrozen(model.views)).toBe(true);
    expect(model).not.toBe(preset.task.options.model);
    expect(Object.isFrozen(preset.task.options.model)).toBe(false);
  });
});

describe('the environment', () => {
  it('leaves alone what Kubernetes sets for services whose names begin as our variables do', () => {
    const environment = {
      FACET_COORDINATOR_PORT: 'tcp://10.96.0.1:4300',
      FACET_COORDINATOR_PORT_4300_TCP: 'tcp://10.96.0.1:4300',
      FACET_COORDINATOR_PORT_4300_TCP_ADDR: '10.96.0.1',
      FACET_COORDINATOR_PORT_4300_TCP_PORT: '4300',
      FACET_COORDINATOR_PORT_4300_TCP_PROTO: 'tcp',
      FACET_COORDINATOR_SERVICE_HOST: '10.96.0.1',
      FACET_COORDINATOR_SERVICE_PORT: '4300',
      FACET_COORDINATOR_SERVICE_PORT_GRPC: '4300',
      // One letter from a variable of ours.
      FACET_HTTPS_PORT: 'tcp://10.96.0.2:443',
      FACET_HTTP_PORT: 'udp://10.96.0.3:80',
    };
    const resolved = resolveConfig({ tasks, environment, flags: minimal });
    expect(resolved).toMatchObject({ ok: true, config: { coordinator: configOf({ flags: minimal }).coordinator } });
    expect(resolved.ok && resolved.notes).toEqual([
      "FACET_COORDINATOR_PORT is 'tcp://10.96.0.1:4300', the address of a service: it does not set coordinator.port and is ignored",
      "FACET_HTTP_PORT is 'udp://10.96.0.3:80', the address of a service: it does not set coordinator.httpPort and is ignored",
    ]);
  });

  it('says how many workers have nothing to do, and nothing when all have', () => {
    const notesFor = (count: number): readonly string[] | false => {
      const flags = { ...minimal, workers: { count }, batch: { global: 256, micro: 32 } };
      const resolved = resolveConfig({ tasks, environment: {}, flags });
      return resolved.ok && resolved.notes;
    };
    expect(notesFor(8)).toEqual([]);
    expect(notesFor(12)).toEqual([
      'workers.count is 12, but a step has 8 micro-batches (batch.global 256, batch.micro 32): 4 of the workers have nothing to do; take at most 8, or in a new run a smaller batch.micro or a larger batch.global',
    ]);
  });

  it('still refuses a port that is none', () => {
    expect(problemsOf({ environment: { FACET_COORDINATOR_PORT: 'http://x' }, flags: minimal })).toHaveLength(1);
  });

  it('has only keys that exist, each once', () => {
    expect(ENVIRONMENT_VARIABLES.filter(({ key }) => !configKeys(tasks, tasks[0]).all.includes(key))).toEqual([]);
    expect(new Set(ENVIRONMENT_VARIABLES.map(({ key }) => key)).size).toBe(ENVIRONMENT_VARIABLES.length);
  });

  it('sets text and numbers, and nothing when a variable is empty', () => {
    const environment = {
      FACET_SEED: ' 7',
      FACET_DATA: 'local',
      FACET_DATA_FOLDER: '7',
      FACET_EPOCHS: '',
      PATH: '/bin',
    };
    const config = configOf({ environment, flags: minimal });
    expect(config).toMatchObject({ seed: 7, data: 'local', dataFolder: '7', epochs: preset.epochs });
  });

  it('is named in problems', () => {
    const environment = { FACET_SEED: 'seven', FACET_WORKERS: '0', FACET_ENGINE: 'onnx' };
    expect(problemsOf({ environment, flags: minimal })).toEqual([
      "seed: 'seven' (from FACET_SEED), expected a whole number of at least 0",
      'workers.count: 0 (from FACET_WORKERS), expected a whole number from 1 to 4096',
      "engine.name: 'onnx' (from FACET_ENGINE), expected one of auto, onnxruntime, tensorflow, tensorflow-gpu, tfjs-cpu",
    ]);
  });

  it('has a problem with a variable that is nearly one of ours, and none with a stranger', () => {
    const environment = { FACET_WORKRES: '2', FACET_RUNS: '/tmp', FACET_SOMETHING_ELSE: '1' };
    expect(problemsOf({ environment, flags: minimal })).toEqual([
      'FACET_WORKRES: unknown environment variable; did you mean FACET_WORKERS?',
    ]);
  });

  it('can be taken out for a child', () => {
    expect(withoutConfigVariables({ FACET_SEED: '1', FACET_RUNS: '/runs', HOME: '/root' })).toEqual({
      FACET_RUNS: '/runs',
      HOME: '/root',
    });
  });
});

describe('a configuration that was stored before a key existed', () => {
  it('means what it meant then', () => {
    const config = configOf({ flags: minimal });
    const { task, samples, optimizer, evaluation: _evaluation, ...rest } = config;
    const { emaDecay: _decay, ...olderOptimizer } = optimizer;
    const { shiftPixels, flip } = task.options['augmentation'] as { shiftPixels: number; flip: boolean };
    const older = {
      ...rest,
      task: { ...task, options: { ...task.options, augmentation: { shiftPixels, flip } } },
      optimizer: olderOptimizer,
      samples: { train: samples.train, test: samples.test },
    };
    expect(configKeys(tasks, tasks[0]).schema.parse(older)).toEqual(config);
  });
});
