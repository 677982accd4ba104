import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { configKeys } from './config-keys.js';
import { nest, valueAt, type Mapping } from './layers.js';
import { resolveConfig } from './resolve-config.js';
import { DATASETS } from '../datasets/registry.js';
import { minimal, problemsOf, tasks, withFlags } from '../../test/resolving.js';

const KEYS = configKeys(tasks, tasks[0]);

describe('problems', () => {
  it('are all reported at once, whatever their kind', () => {
    const file = { epoch: 3, model: { widht: 64, depth: 'two' }, batch: { micro: 0 }, seed: null };
    const environment = { FACET_EPOCHS: 'many', FACET_SED: '1' };
    const flags = { dataset: 'mnits', run: '../x', workers: { count: 5_000 }, nats: { url: 'no url' } };
    expect(problemsOf({ file, environment, flags })).toEqual([
      'FACET_SED: unknown environment variable; did you mean FACET_SEED?',
      `dataset: 'mnits' (from the command line), expected one of ${DATASETS.join(', ')}; did you mean mnist?`,
      'seed: null (from the file), expected a whole number of at least 0',
      "epochs: 'many' (from FACET_EPOCHS), expected a whole number from 1 to 100000",
      'batch.micro: 0 (from the file), expected a whole number from 1 to 4096',
      "model.depth: 'two' (from the file), expected a whole number from 1 to 256",
      'model.widht: unknown key (from the file); did you mean model.width?',
      'workers.count: 5000 (from the command line), expected a whole number from 1 to 4096',
      'epoch: unknown key (from the file); did you mean epochs?',
      'run: \'../x\', expected 1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder',
      "nats.url: 'no url', expected an address such as nats://HOST:4222, or several with a comma between two",
    ]);
  });

  test.each<[string, Mapping, string]>([
    [
      "an earlier build's arithmetic",
      { arithmetic: 1 },
      "arithmetic: 1, an earlier build's, which had other bits; evaluate, predict with or export its checkpoints, or start a new run. This build trains by arithmetic 2",
    ],
    [
      "a later build's arithmetic",
      { arithmetic: 9 },
      "arithmetic: 9, a later build's; install that build. This build trains by arithmetic 2",
    ],
    [
      'a fraction for an integer',
      { seed: 1.5 },
      'seed: 1.5 (from the command line), expected a whole number of at least 0',
    ],
    [
      'a preset with a typing error',
      { preset: 'mnist-fats' },
      "preset: 'mnist-fats' (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast, cifar10-best; did you mean mnist-fast?",
    ],
    [
      'a preset of no kind',
      { preset: 3 },
      'preset: 3 (from the command line), expected one of mnist-fast, mnist-best, cifar10-fast, cifar10-best',
    ],
    ['no dataset', { dataset: undefined }, `dataset: missing, expected one of ${DATASETS.join(', ')}`],
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
      'a norm of a sum that nobody forms',
      { model: { injection: 'cross', viewNorm: 'sum' } },
      "model.viewNorm: 'sum', expected each with model.injection cross: attention sees every view by itself and sums none",
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
      'model.width: 44 (from the command line), expected a whole number from 1 to 16384, a multiple of 8',
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
      'model.__proto__: unknown key (from the command line); expected one of views, viewWeights, injection, injectionBlocks, viewNorm, viewImages, viewPatchSize, patchSize, patchStride, stemWidth, stemStart, stemDepth, stemConvolutions, merge, mergeSize, relativeBias, width, depth, heads, mlpRatio, mlpsPerBlock, auxiliary, pixels',
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
    expect(problem).toBe(
      "nats.url: 'nats://***@bro ker', expected an address such as nats://HOST:4222, or several with a comma between two",
    );
  });

  it('are found for any unknown key at any place, and the key is named', () => {
    const name = fc.stringMatching(/^[a-z]{9,12}$/);
    const place = fc.constantFrom('', 'model.', 'batch.', 'model.pixels.', 'timeouts.', 'nats.');
    fc.assert(
      fc.property(name, place, (key, prefix) => {
        const file = nest(`${prefix}${key}`, 1);
        const isKnown = KEYS.all.includes(`${prefix}${key}`);
        const found = problemsOf({ file, flags: minimal }).some((problem) => problem.startsWith(`${prefix}${key}: `));
        expect(found).toBe(!isKnown);
      }),
    );
  });

  it('or a configuration that the schema accepts: never both, never an exception', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom('identity', 'mnist', 0, -1, 1e9));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...KEYS.all), junk, { maxKeys: 5 }), (said) => {
        const flags = Object.entries(said).reduce<Mapping>(
          (all, [key, value]) => ({ ...all, ...nest(key, value) }),
          {},
        );
        const resolved = resolveConfig({ tasks, environment: {}, file: minimal, flags });
        if (resolved.ok) {
          expect(KEYS.schema.safeParse(resolved.config).success).toBe(true);
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

describe('a key that the chosen optimizer or schedule does not use', () => {
  test.each<[Mapping, string]>([
    [
      { name: 'sgd', beta2: 0.9 },
      'optimizer.beta2: 0.9, expected 0.99, its default, with optimizer.name sgd: only name adamw, adam, lion use it',
    ],
    [
      { momentum: 0.5 },
      'optimizer.momentum: 0.5, expected 0.9, its default, with optimizer.name adamw: only name sgd uses it',
    ],
    [
      { schedule: 'constant', finalShare: 0.1 },
      'optimizer.finalShare: 0.1, expected 0.01, its default, with optimizer.schedule constant: only schedule cosine, linear, one-cycle use it',
    ],
    [
      { name: 'sgd', nesterov: true, momentum: 0 },
      'optimizer.nesterov: true, expected false, or optimizer.momentum above 0: it looks ahead along it',
    ],
    [
      { schedule: 'step', scheduleSteps: [0.75, 0.5] },
      'optimizer.scheduleSteps: [0.75,0.5], expected shares of the run in ascending order',
    ],
  ])('%j is refused', (optimizer, problem) => {
    expect(problemsOf({ environment: {}, flags: { preset: 'mnist-fast', run: 'x', optimizer } })).toEqual([problem]);
  });
});
