/** The evaluation as a whole on an untrained small model, and its checks on models that deceive. */
import { describe, expect, it } from 'vitest';
import { OPERATION_DEFAULTS, randomKey, randomStream, TrainingError } from '@facet/shared';
import { PRESETS, type MultiView } from '@facet/multiview/config';
import type { CorruptionFolder, Dataset } from '@facet/datasets';
import { PROBE_SHAPE } from '../../../multiview/test/probe-shape.js';
import { createModel, planAttacks, type AttackChoice, type AttackLoss, type Oracle, rowOf } from '@facet/multiview';
import { initialWeights, layoutParameters } from '@facet/task';
import { attackedExamples } from './attacked-examples.js';
import { evaluateRobustness, type RobustnessOptions } from './evaluate-robustness.js';
import { pairedBreaks } from './paired-breaks.js';
import type { SanityCheck } from './report.js';
import { runAttack, type AttackContext, type FinishedAttack } from './run-attack.js';
import { chooseIds, samplesOf } from './samples.js';
import { runSanityChecks } from './sanity-checks.js';

const { image, classes, config: model } = PROBE_SHAPE;
const COUNT = 14;
const preset = PRESETS['mnist-fast'];
const config: MultiView = {
  ...preset,
  ...OPERATION_DEFAULTS,
  preset: 'mnist-fast',
  run: 'demo',
  task: { ...preset.task, options: { ...preset.task.options, model } },
  batch: { global: 12, micro: 6 },
};
const layout = layoutParameters(createModel(PROBE_SHAPE).parameters);

function fakeDataset(): Dataset {
  const stream = randomStream(randomKey('initialisation', 3));
  const bytes = COUNT * image.height * image.width;
  const split = {
    count: COUNT,
    pixels: Uint8Array.from({ length: bytes }, () => stream.nextBelow(256)),
    labels: Uint8Array.from({ length: COUNT }, () => stream.nextBelow(classes)),
  };
  const names = Array.from({ length: classes }, (_, i) => String(i));
  return { name: 'mnist', image, classes: names, train: split, test: split, sha256: 'a'.repeat(64) };
}

const choice: AttackChoice = {
  attacks: ['fgsm', 'pgd', 'pgd-margin', 'square'],
  norms: ['linf', 'l2'],
  steps: 3,
  restarts: 2,
  queries: 5,
};

const optionsWith = (more: Partial<RobustnessOptions> = {}): RobustnessOptions => ({
  config,
  weights: initialWeights(layout, 1).map((weight, i) => weight + 0.1 * Math.sin(i)),
  layout: layout.slots,
  dataset: fakeDataset(),
  engine: { name: 'onnxruntime', device: 'cpu' },
  threads: 1,
  samples: 10,
  seed: 0,
  attacks: choice,
  corruptions: { kind: 'generated', names: ['brightness', 'translate'] },
  onProgress: () => undefined,
  ...more,
});

describe('an evaluation', () => {
  it('reports every attack, the worst case below all of them, curves that fall, and corruptions; twice the same', async () => {
    const report = await evaluateRobustness(optionsWith());
    expect(report.samples).toBe(10);
    expect(report.attacks.map(({ name, norm }) => `${name} ${norm}`)).toEqual(
      choice.norms.flatMap((norm) => choice.attacks.map((name) => `${name} ${norm}`)),
    );
    for (const { norm, accuracy } of report.worstCase) {
      const single = report.attacks.filter((attack) => attack.norm === norm).map((attack) => attack.accuracy);
      expect(accuracy).toBeLessThanOrEqual(Math.min(...single));
    }
    for (const { points } of report.curves) {
      const accuracies = points.map(({ accuracy }) => accuracy);
      expect(accuracies[0]).toBe(report.clean.accuracy);
      expect([...accuracies].sort((a, b) => b - a)).toEqual(accuracies);
    }
    expect(report.corruptions?.results.map(({ name, accuracies }) => [name, accuracies.length])).toEqual([
      ['brightness', 5],
      ['translate', 5],
    ]);
    const again = await evaluateRobustness(optionsWith());
    const untimed = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, member: unknown) => (key === 'seconds' ? 0 : member)));
    expect(untimed(again)).toEqual(untimed(report));
  });

  it('reads published corruptions, and leaves attacks out when none are asked for', async () => {
    const dataset = fakeDataset();
    const folder: CorruptionFolder = { folder: '/c', names: ['fog'], read: async () => [dataset.test, dataset.test] };
    const attacks = { ...choice, attacks: [] };
    const report = await evaluateRobustness(optionsWith({ attacks, corruptions: { kind: 'folder', folder } }));
    expect(report.attacks).toEqual([]);
    expect(report.checks).toEqual([]);
    // The files hold the clean images.
    expect(report.corruptions?.results[0]?.accuracies).toEqual([report.clean.accuracy, report.clean.accuracy]);
  });

  it('refuses the weights of another model', async () => {
    const other = optionsWith({ layout: [{ name: 'else', shape: [1], offset: 0, length: 1 }] });
    await expect(evaluateRobustness(other)).rejects.toMatchObject({ code: 'CHECKPOINT_INCOMPATIBLE' });
  });

  it('refuses a corruption that the dataset does not have', async () => {
    const refused = evaluateRobustness(optionsWith({ corruptions: { kind: 'generated', names: ['rain'] } }));
    await expect(refused).rejects.toBeInstanceOf(TrainingError);
    await expect(refused).rejects.toThrow("there is no corruption 'rain' for mnist; expected one of shot_noise,");
  });
});

type GradientOf = (pixel: number, label: number, loss: AttackLoss, place: number) => number;

/** Two classes by the mean brightness. Label 0 is dark: its margin is sharpness * (mean - 0.5). */
function brightnessOracle(gradientOf: GradientOf): Oracle {
  const oracle: Oracle = {
    image: { height: 4, width: 4, channels: 1 },
    classes: 2,
    async logits(images) {
      return Float32Array.from({ length: images.length / 8 }, (_, i) => {
        const row = rowOf(images, Math.floor(i / 2), 16);
        return i % 2 === 0 ? 0 : 10 * (row.reduce((sum, pixel) => sum + pixel, 0) / 16 - 0.5);
      });
    },
    async gradient(images, labels, loss) {
      const gradient = images.map((pixel, i) => gradientOf(pixel, labels[Math.floor(i / 16)]!, loss, i % 16));
      return { logits: await oracle.logits(images), losses: new Float32Array(labels.length), gradient };
    },
  };
  return oracle;
}

const HONEST = (_: number, label: number): number => (label === 0 ? 1 : -1);
/** Of every sample: 0.39, so that a ball of 0.3 reaches over 0.5. */
const BRIGHTNESS = 100 / 255;

interface Checked {
  readonly checks: SanityCheck[];
  readonly accuracies: Readonly<Record<string, number>>;
}

async function check(oracle: Oracle, more: Partial<AttackChoice> = {}, count = 8): Promise<Checked> {
  const split = { count, pixels: new Uint8Array(16 * count).fill(100), labels: new Uint8Array(count) };
  const samples = samplesOf(split, oracle.image, chooseIds(count, count, 0));
  const context: AttackContext = { oracle, samples, seed: 0, onProgress: () => undefined };
  const plan = planAttacks('mnist', { ...choice, norms: ['linf'], queries: 50, ...more });
  const finished: FinishedAttack[] = [];
  for (const attack of plan) finished.push(await runAttack(context, attack));
  const accuracies = Object.fromEntries(finished.map(({ report }) => [report.name, report.accuracy]));
  return { checks: await runSanityChecks(context, finished, plan), accuracies };
}

async function verdictsOf(...of: Parameters<typeof check>): Promise<Record<string, string>> {
  const { checks } = await check(...of);
  return Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
}

describe('the sanity checks', () => {
  it('all pass for an honest model', async () => {
    const verdicts = await verdictsOf(brightnessOracle(HONEST));
    expect(new Set(Object.values(verdicts))).toEqual(new Set(['pass']));
  });

  it('pass for an honest model on which PGD up one loss leads further than up the other', async () => {
    // Up the margin only half of the pixels are moved.
    const half: GradientOf = (pixel, label, loss, place) => (loss === 'margin' && place < 8 ? 0 : HONEST(pixel, label));
    const wish: Partial<AttackChoice> = { attacks: ['fgsm', 'pgd', 'pgd-margin'], steps: 40, restarts: 1, eps: 0.2 };
    const { checks, accuracies } = await check(brightnessOracle(half), wish);
    expect(accuracies['pgd-margin']).toBeGreaterThan(accuracies['pgd']! + 0.1);
    expect(checks.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass', 'skipped', 'skipped']);
  });

  it('expose a model on which one step does more than many', async () => {
    // Near the clean image the gradient is right, a little away from it it points back.
    const shattered: GradientOf = (pixel) => (Math.abs(pixel - BRIGHTNESS) < 0.01 ? 1 : -Math.sign(pixel - BRIGHTNESS));
    const { checks } = await check(brightnessOracle(shattered), { attacks: ['fgsm', 'pgd'] });
    const found = checks.find(({ name }) => name === 'more-steps-never-help-the-model');
    expect(found?.detail).toBe(
      'cross-entropy: 1 step 0.0 %, 10 steps 100.0 %, 8 broken by 1 step only, 0 broken by 10 steps only',
    );
    expect(found?.verdict).toBe('fail');
  });

  it('do not fail for one sample that a weaker attack was lucky with', () => {
    const isBroken = (count: number) => Uint8Array.from({ length: 60 }, (_, i) => Number(i < count));
    expect(pairedBreaks({ isBroken: isBroken(31) }, { isBroken: isBroken(30) }).p).toBe(0.5);
  });

  it('say what was not checked, and why', async () => {
    const details = async (...of: Parameters<typeof check>): Promise<Record<string, string>> => {
      const { checks } = await check(...of);
      const skipped = checks.filter(({ verdict }) => verdict === 'skipped');
      return Object.fromEntries(skipped.map(({ name, detail }) => [name, detail]));
    };
    expect(await details(brightnessOracle(HONEST), { attacks: ['square'] })).toEqual({
      'more-steps-never-help-the-model': 'no attack with gradients was asked for',
      'black-box-never-beats-white-box': 'no attack with gradients was asked for',
      'restarts-never-help-the-model': 'pgd-margin was not asked for',
    });
    const few = 'cross-entropy: 6 samples are read correctly without an attack, too few to compare; 7 are enough';
    expect(await details(brightnessOracle(HONEST), { attacks: ['fgsm'] }, 6)).toMatchObject({
      'more-steps-never-help-the-model': few,
      'black-box-never-beats-white-box': 'square was not asked for',
    });
  });

  it('expose a model whose gradients are zero', async () => {
    const verdicts = await verdictsOf(brightnessOracle(() => 0));
    expect(verdicts['gradients-reach-the-pixels']).toBe('fail');
    expect(verdicts['black-box-never-beats-white-box']).toBe('fail');
  });

  it('expose a model whose gradients point the wrong way', async () => {
    const verdicts = await verdictsOf(brightnessOracle((_, label) => (label === 0 ? -1 : 1)));
    expect(verdicts['gradients-reach-the-pixels']).toBe('pass');
    expect(verdicts['huge-eps-breaks-everything']).toBe('fail');
    expect(verdicts['black-box-never-beats-white-box']).toBe('fail');
  });
});

it('examples are the first samples under the most damaging attack, changed no more than the ball allows', async () => {
  const oracle = brightnessOracle((_, label) => (label === 0 ? 1 : -1));
  const split = { count: 8, pixels: new Uint8Array(128).fill(100), labels: new Uint8Array(8) };
  const samples = samplesOf(split, oracle.image, chooseIds(8, 8, 0));
  const context: AttackContext = { oracle, samples, seed: 0, onProgress: () => undefined };
  const finished: FinishedAttack[] = [];
  for (const attack of planAttacks('mnist', { ...choice, attacks: ['pgd-margin', 'square'], norms: ['linf'] })) {
    finished.push(await runAttack(context, attack));
  }
  const [strong, weak] = finished as [FinishedAttack, FinishedAttack];
  const spared = { ...weak, report: { ...weak.report, accuracy: 1 } };
  const [examples, ...others] = await attackedExamples(oracle, samples, [spared, strong]);
  expect(others).toEqual([]);
  expect(examples).toMatchObject({ attack: 'pgd-margin', norm: 'linf', eps: 0.3 });
  expect(examples!.images.map(({ sample, truth, answer }) => [sample, truth, answer])).toEqual(
    [0, 1, 2, 3, 4].map((sample) => [sample, 0, 1]),
  );
  for (const { clean, attacked } of examples!.images) {
    expect(new Set(clean)).toEqual(new Set([100]));
    expect(Math.max(...attacked.map((pixel) => Math.abs(pixel - 100)))).toBeLessThanOrEqual(255 * 0.3 + 1);
  }
});

it('the choice of samples is of distinct ids, in order, and another one for another seed', () => {
  const ids = chooseIds(1_000, 100, 1);
  expect(new Set(ids).size).toBe(100);
  expect([...ids].sort((a, b) => a - b)).toEqual([...ids]);
  expect(chooseIds(1_000, 100, 1)).toEqual(ids);
  expect(chooseIds(1_000, 100, 2)).not.toEqual(ids);
});
