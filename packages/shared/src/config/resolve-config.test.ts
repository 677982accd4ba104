import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { PUBLISHED_ADVERSARIES } from './adversarial-schema.js';
import { trainingWish } from './engines.js';
import { ENVIRONMENT_VARIABLES, withoutConfigVariables } from './environment.js';
import { allKeys } from './expectation.js';
import { nest, valueAt, type ConfigSource, type Mapping } from './layers.js';
import { OPERATION_DEFAULTS, PRESETS } from './presets.js';
import { resolveConfig, type ConfigInput } from './resolve-config.js';
import { configSchema, DATASETS, type RunConfig } from './schema.js';

const minimal = { run: 'demo', dataset: 'mnist' };
/** Presets change with what is measured; these tests do not. */
const preset = PRESETS['mnist-fast'];

function configOf(input: Partial<ConfigInput>): RunConfig {
  const resolved = resolveConfig({ environment: {}, flags: {}, ...input });
  if (!resolved.ok) throw new Error(resolved.problems.join('\n'));
  return resolved.config;
}

function problemsOf(input: Partial<ConfigInput>): readonly string[] {
  const resolved = resolveConfig({ environment: {}, flags: {}, ...input });
  return resolved.ok ? [] : resolved.problems;
}

const withFlags = (flags: Mapping): Partial<ConfigInput> => ({ flags: { ...minimal, ...flags } });

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
        const resolved = resolveConfig({ file: said('file'), environment, flags: { ...minimal, ...said('flags') } });
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
    expect(config.model).toEqual({ ...preset.model, depth: 3, views: ['identity'] });
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
  it.each(Object.values(PRESETS))('is off in the preset of $dataset', ({ adversarial }) => {
    expect(adversarial.eps).toBe(0);
  });

  it.each(DATASETS)('is turned on for %s as published, over the file and below a key that is named', (dataset) => {
    const published = PUBLISHED_ADVERSARIES[dataset];
    const on = { isAdversarial: true, file: { adversarial: { eps: 0.01, share: 0.5 } } };
    expect(configOf({ ...on, flags: { run: 'demo', dataset } }).adversarial).toEqual(published);
    const flags = { run: 'demo', dataset, adversarial: { eps: 0.2 } };
    expect(configOf({ ...on, flags }).adversarial).toEqual({ ...published, eps: 0.2 });
  });

  it('fills in steps and norm for a size that is given by hand', () => {
    const { adversarial } = configOf(withFlags({ adversarial: { eps: 0.1 } }));
    expect(adversarial).toEqual({ norm: 'linf', eps: 0.1, steps: 7, stepSize: 0, share: 1 });
  });

  it('is off in a configuration that was stored without it', () => {
    const { adversarial: _, ...stored } = configOf({ flags: minimal });
    expect(configSchema.parse(stored).adversarial.eps).toBe(0);
  });

  it('leaves a worker the engines that can attack, and refuses one that it was told to use', () => {
    const engine = { name: 'auto', device: 'auto' } as const;
    const attacked = { engine, adversarial: { eps: 0.1 } };
    expect(trainingWish({}, attacked)).toEqual({ name: 'onnxruntime', device: 'auto' });
    expect(trainingWish({}, { ...attacked, adversarial: { eps: 0 } })).toEqual(engine);
    expect(() => trainingWish({ name: 'tfjs-cpu' }, attacked)).toThrow(
      "--engine: 'tfjs-cpu', expected auto or onnxruntime: no other engine has the attack program",
    );
  });
});

describe('the result', () => {
  it('is frozen and shares nothing with the presets', () => {
    const config = configOf({ flags: minimal });
    expect(Object.isFrozen(config.model.views)).toBe(true);
    expect(config.model).not.toBe(preset.model);
    expect(Object.isFrozen(preset.model)).toBe(false);
  });
});

describe('the environment', () => {
  it('has only keys that exist, each once', () => {
    expect(ENVIRONMENT_VARIABLES.filter(({ key }) => !allKeys().includes(key))).toEqual([]);
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
      'workers.count: 0 (from FACET_WORKERS), expected a whole number from 1 to 256',
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

describe('problems', () => {
  it('are all reported at once, whatever their kind', () => {
    const file = { epoch: 3, model: { widht: 64, depth: 'two' }, batch: { micro: 0 }, seed: null };
    const environment = { FACET_EPOCHS: 'many', FACET_SED: '1' };
    const flags = { dataset: 'mnits', run: '../x', workers: { count: 300 }, nats: { url: 'no url' } };
    expect(problemsOf({ file, environment, flags })).toEqual([
      'FACET_SED: unknown environment variable; did you mean FACET_SEED?',
      "dataset: 'mnits' (from the command line), expected one of mnist, cifar10; did you mean mnist?",
      'seed: null (from the file), expected a whole number of at least 0',
      "epochs: 'many' (from FACET_EPOCHS), expected a whole number from 1 to 100000",
      'batch.micro: 0 (from the file), expected a whole number from 1 to 4096',
      "model.depth: 'two' (from the file), expected a whole number of at least 1",
      'model.widht: unknown key (from the file); did you mean model.width?',
      'workers.count: 300 (from the command line), expected a whole number from 1 to 256',
      'epoch: unknown key (from the file); did you mean epochs?',
      'run: \'../x\', expected 1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder',
      "nats.url: 'no url', expected an address such as nats://HOST:4222",
    ]);
  });

  test.each<[string, Mapping, string]>([
    [
      'a fraction for an integer',
      { seed: 1.5 },
      'seed: 1.5 (from the command line), expected a whole number of at least 0',
    ],
    [
      'a preset with a typing error',
      { preset: 'mnist-fats' },
      "preset: 'mnist-fats' (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast; did you mean mnist-fast?",
    ],
    [
      'a preset of no kind',
      { preset: 3 },
      'preset: 3 (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast',
    ],
    ['no dataset', { dataset: undefined }, 'dataset: missing, expected one of mnist, cifar10'],
    ['no run', { run: undefined }, 'run: missing, expected a text that is not empty'],
    [
      'an unknown view',
      { model: { views: ['identity', 'zoomin'] } },
      "model.views[1]: 'zoomin' (from the command line), expected one of identity, zoom-in, zoom-out, rotation, shift; did you mean zoom-in?",
    ],
    [
      'views that do not begin with the identity',
      { model: { views: ['zoom-in', 'identity'] } },
      'model.views: ["zoom-in","identity"], expected identity as the first view',
    ],
    [
      'windows that leave cells out',
      { model: { mergeSize: 1 } },
      'model.mergeSize: 1, expected at least model.merge, which is 2: cells would be left out',
    ],
    [
      'a completion that has nothing to look at',
      { model: { views: ['identity'], auxiliary: { completion: 0.1 } } },
      'model.auxiliary.completion: 0.1 with the only view identity, expected 0: nothing could be rebuilt',
    ],
    [
      'no views',
      { model: { views: [] } },
      'model.views: [] (from the command line), expected a list of 1 to 4 elements, each one of identity, zoom-in, zoom-out, rotation, shift',
    ],
    [
      'heads that do not divide the width',
      { model: { width: 48, heads: 5 } },
      'model.heads: 5, expected a divisor of model.width, which is 48',
    ],
    [
      'a width that is no multiple of 8',
      { model: { width: 44 } },
      'model.width: 44 (from the command line), expected a whole number of at least 1, a multiple of 8',
    ],
    [
      'a stem whose MLPs cannot shift',
      { model: { stemWidth: 18, stemDepth: 1 } },
      'model.stemWidth: 18, expected a multiple of 8 with model.stemDepth 1: its MLPs shift an eighth of their features each way',
    ],
    [
      'statistics for three channels',
      { model: { pixels: { mean: [0.1, 0.2, 0.3] } } },
      'model.pixels.mean: [0.1,0.2,0.3] has length 3, expected 1, one for each channel of mnist',
    ],
    [
      'a micro-batch above the global batch',
      { batch: { global: 128, micro: 256 } },
      'batch.micro: 256, expected at most batch.global, which is 128',
    ],
    [
      'fewer workers than the least',
      { workers: { count: 2, min: 3 } },
      'workers.count: 2, expected at least workers.min, which is 3',
    ],
    [
      'more workers than the most',
      { workers: { count: 5, max: 4 } },
      'workers.count: 5, expected at most workers.max, which is 4',
    ],
    [
      'an engine on a device that it cannot use',
      { engine: { name: 'tensorflow', device: 'webgpu' } },
      "engine.device: 'webgpu', expected auto or cpu: engine tensorflow runs on nothing else",
    ],
    [
      'a value where a mapping belongs',
      { batch: 128 },
      'batch: 128 (from the command line), expected a mapping of global, micro',
    ],
    ['a key that lives deeper', { micro: 64 }, 'micro: unknown key (from the command line); did you mean batch.micro?'],
    [
      'a key unlike any other',
      { samples: { validation: 3 } },
      'samples.validation: unknown key (from the command line); expected one of train, test, heldOut',
    ],
    [
      'a mirrored digit',
      { augmentation: { flip: true } },
      'augmentation.flip: true, expected false: the mirror image of a digit of mnist is no digit',
    ],
    [
      'more mixed images than there are',
      { augmentation: { mixup: { share: 0.7 }, cutmix: { share: 0.5 } } },
      'augmentation.mixup.share + augmentation.cutmix.share: 0.7 + 0.5, expected at most 1: an image is mixed in one way',
    ],
    [
      'an evaluation of nothing',
      { evaluation: 'held-out' },
      "evaluation: 'held-out', expected test, or samples.heldOut above 0: no images are held out",
    ],
    [
      'a kind of padding that there is not',
      { augmentation: { padding: 'mirror' } },
      "augmentation.padding: 'mirror' (from the command line), expected one of zero, reflect",
    ],
    [
      'an average that never moves',
      { optimizer: { emaDecay: 1 } },
      'optimizer.emaDecay: 1 (from the command line), expected a number from 0 to 0.99999',
    ],
    [
      'a ball of a negative size',
      { adversarial: { eps: -0.1 } },
      'adversarial.eps: -0.1 (from the command line), expected a number from 0 to 64',
    ],
    [
      'a ball that is larger than the pixels',
      { adversarial: { eps: 8 } },
      'adversarial.eps: 8, expected at most 1 in linf: pixels are in [0, 1], so 8 of 255 is 0.0314',
    ],
    [
      'an attack without steps',
      { adversarial: { eps: 0.1, steps: 0 } },
      'adversarial.steps: 0 (from the command line), expected a whole number from 1 to 1000',
    ],
    [
      'an attack on nobody',
      { adversarial: { eps: 0.1, share: 0 } },
      'adversarial.share: 0 (from the command line), expected a number above 0 and at most 1',
    ],
    [
      'a norm that there is not',
      { adversarial: { norm: 'l1' } },
      "adversarial.norm: 'l1' (from the command line), expected one of linf, l2; did you mean l2?",
    ],
    [
      'an engine that cannot attack',
      { adversarial: { eps: 0.1 }, engine: { name: 'tensorflow' } },
      "engine.name: 'tensorflow', expected auto or onnxruntime: no other engine has the attack program that adversarial.eps above 0 needs",
    ],
    [
      'a port out of range',
      { coordinator: { port: 70000 } },
      'coordinator.port: 70000 (from the command line), expected a whole number from 0 to 65535',
    ],
    [
      'a key that JavaScript gives a meaning',
      JSON.parse('{"model": {"__proto__": {"width": 8}}}') as Mapping,
      'model.__proto__: unknown key (from the command line); expected one of views, viewWeights, injection, injectionBlocks, viewNorm, viewImages, viewPatchSize, patchSize, patchStride, stemWidth, stemStart, stemDepth, merge, mergeSize, relativeBias, width, depth, heads, mlpRatio, mlpsPerBlock, auxiliary, pixels',
    ],
  ])('name %s', (_, flags, problem) => {
    expect(problemsOf(withFlags(flags))).toEqual([problem]);
  });

  it('name a file that is no mapping', () => {
    expect(problemsOf({ file: ['a'], flags: minimal })).toEqual([
      'the file holds ["a"], expected a mapping of keys to values',
    ]);
    expect(problemsOf({ file: null, flags: minimal })).toEqual([]);
  });

  it('hide the credentials of a broker', () => {
    const [problem] = problemsOf(withFlags({ nats: { url: 'nats://ada:s3cret@bro ker' } }));
    expect(problem).toBe("nats.url: 'nats://***@bro ker', expected an address such as nats://HOST:4222");
  });

  it('are found for any unknown key at any place, and the key is named', () => {
    const name = fc.stringMatching(/^[a-z]{9,12}$/);
    const place = fc.constantFrom('', 'model.', 'batch.', 'model.pixels.', 'timeouts.', 'nats.');
    fc.assert(
      fc.property(name, place, (key, prefix) => {
        const file = nest(`${prefix}${key}`, 1);
        const isKnown = allKeys().includes(`${prefix}${key}`);
        const found = problemsOf({ file, flags: minimal }).some((problem) => problem.startsWith(`${prefix}${key}: `));
        expect(found).toBe(!isKnown);
      }),
    );
  });

  it('or a configuration that the schema accepts: never both, never an exception', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom('identity', 'mnist', 0, -1, 1e9));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...allKeys()), junk, { maxKeys: 5 }), (said) => {
        const flags = Object.entries(said).reduce<Mapping>(
          (all, [key, value]) => ({ ...all, ...nest(key, value) }),
          {},
        );
        const resolved = resolveConfig({ environment: {}, file: minimal, flags });
        if (resolved.ok) {
          expect(configSchema.safeParse(resolved.config).success).toBe(true);
        } else {
          expect(resolved.problems.length).toBeGreaterThan(0);
          expect(resolved.problems.every((problem) => problem.length > 0)).toBe(true);
        }
      }),
    );
  });

  it('say the actual value of a key that the schema refuses', () => {
    const key = fc.constantFrom('seed', 'epochs', 'batch.global', 'model.depth', 'workers.count', 'prefetchSteps');
    fc.assert(
      fc.property(key, fc.integer({ max: -1 }), (dotted, value) => {
        const problems = problemsOf({ file: nest(dotted, value), flags: minimal });
        expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${dotted}: ${value} \\(from the file\\)`)));
        expect(valueAt(nest(dotted, value), dotted.split('.'))).toBe(value);
      }),
    );
  });
});

describe('a configuration that was stored before a key existed', () => {
  it('means what it meant then', () => {
    const { augmentation, samples, optimizer, evaluation: _evaluation, ...rest } = configOf({ flags: minimal });
    const { emaDecay: _decay, ...olderOptimizer } = optimizer;
    const older = {
      ...rest,
      optimizer: olderOptimizer,
      samples: { train: samples.train, test: samples.test },
      augmentation: { shiftPixels: augmentation.shiftPixels, flip: augmentation.flip },
    };
    expect(configSchema.parse(older)).toEqual(configOf({ flags: minimal }));
  });
});
