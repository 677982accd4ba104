import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import {
  applyLayers,
  CAPTURED_LAYERS,
  captureProgram,
  elementCount,
  layerNoise,
  layerWeights,
  lower,
  REFUSED_LAYERS,
  type NumbersByName,
  type ProgramInput,
} from '@facet/compiler';
import { mendGradients } from '../mended-gradients.js';
import { conformanceEngines } from './conformance-engine.js';
import { LAYER_CASES, type LayerCase } from './layer-cases.js';
import type { Computation } from './op-case.js';

/** Relative to the largest number of a tensor, as in the suite of operations. */
const TOLERANCE = 1e-5;
const BATCH = 2;

const engines = await conformanceEngines();
const engineNamed = (name: string) => engines.find((engine) => engine.name === name)!;
const [reference, onnxruntime] = [engineNamed('tfjs-cpu/cpu'), engineNamed('onnxruntime/cpu')];

const stream = randomStream(randomKey('initialisation', 21));
const spy = vi.spyOn(tf.engine(), 'runKernel');
afterAll(() => spy.mockRestore());

mendGradients();

const usedClasses = new Set<string>();
const kernelsByCase = new Map<string, ReadonlySet<string>>();

function modelOf({ inputs, batch = BATCH, build }: LayerCase): tf.LayersModel {
  const symbols = inputs.map((shape) => tf.input({ batchShape: [batch, ...shape] }));
  return tf.model({ inputs: symbols, outputs: build(...symbols) });
}

function classesOf(layer: tf.layers.Layer): string[] {
  const { layer: inner, forwardLayer } = layer as unknown as Partial<Record<string, tf.layers.Layer>>;
  return [layer.getClassName(), ...[inner, forwardLayer].flatMap((part) => (part ? classesOf(part) : []))];
}

interface CapturedModel {
  /** Output `y`. */
  readonly forward: Computation;
  /** Outputs `loss` and `grad:NAME` for every weight; the loss is sum(y * cotangent). */
  readonly training: Computation;
  readonly numbers: NumbersByName;
}

async function captureModel(layerCase: LayerCase, model: tf.LayersModel): Promise<CapturedModel> {
  const { batch = BATCH } = layerCase;
  const weights = layerWeights(model);
  const noise = layerNoise(model);
  const names = weights.map(({ name }) => name);
  const named: ProgramInput[] = [
    ...weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })),
    ...layerCase.inputs.map((shape, i) => ({ name: `x${i}`, shape: [batch, ...shape], dtype: 'float32' as const })),
    ...noise.map(({ shape }, i) => ({ name: `noise${i}`, shape: [batch, ...shape], dtype: 'float32' as const })),
  ];
  const apply = (tensors: ReadonlyMap<string, tf.Tensor>): tf.Tensor => {
    const inputs = layerCase.inputs.map((_, i) => tensors.get(`x${i}`)!);
    const drawn = noise.map((_, i) => tensors.get(`noise${i}`)!);
    return applyLayers(model, tensors, inputs, drawn)[0]!;
  };
  const capture = async (inputs: ProgramInput[], build: Computation['build']): Promise<Computation> => ({
    program: await lower(await captureProgram({ name: layerCase.name, inputs, build })),
    inputs,
    build,
  });
  const forward = await capture(named, (tensors) => ({ y: apply(tensors) }));
  const { shape } = forward.program.values[forward.program.outputs[0]!.id]!;
  const training = await capture([...named, { name: 'cotangent', shape, dtype: 'float32' }], (tensors) => {
    const loss = (...given: tf.Tensor[]): tf.Scalar => {
      const all = new Map([...tensors, ...names.map((name, i) => [name, given[i]!] as const)]);
      return apply(all).mul(tensors.get('cotangent')!).sum();
    };
    const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => tensors.get(name)!));
    return { loss: value, ...Object.fromEntries(names.map((name, i) => [`grad:${name}`, grads[i]!])) };
  });
  const { vocabulary } = layerCase;
  const draw = (name: string): number =>
    vocabulary !== undefined && name.startsWith('x') ? stream.nextBelow(vocabulary) : stream.nextUniform() * 2 - 1;
  const numbers = Object.fromEntries(
    training.inputs.map(({ name, shape: sizes }) => [
      name,
      Array.from({ length: elementCount(sizes) }, () => Math.fround(draw(name))),
    ]),
  );
  return { forward, training, numbers };
}

/** The largest deviation, relative to the largest number of its tensor. */
function deviation(actual: NumbersByName, expected: NumbersByName): number {
  const deviations = Object.entries(expected).map(([name, numbers]) => {
    const scale = Math.max(...Array.from(numbers, Math.abs), 1e-3);
    return Math.max(...Array.from(numbers, (number, i) => Math.abs(actual[name]![i]! - number) / scale));
  });
  return Math.max(...deviations);
}

describe('a captured model of tf.layers', () => {
  it.each(LAYER_CASES)('computes $name and its gradient by the weights as tfjs does', async (layerCase) => {
    const model = modelOf(layerCase);
    for (const name of model.layers.flatMap(classesOf)) usedClasses.add(name);
    spy.mockClear();
    const { forward, training, numbers } = await captureModel(layerCase, model);
    kernelsByCase.set(layerCase.name, new Set(spy.mock.calls.map(([kernel]) => kernel)));
    for (const computation of [forward, training]) {
      const [expected] = await reference.run(computation, [numbers]);
      const [actual] = await onnxruntime.run(computation, [numbers]);
      expect(deviation(actual!, expected!)).toBeLessThan(TOLERANCE);
    }
    model.dispose();
  });

  it('is tested for every layer that is said to be captured', () => {
    expect([...usedClasses].filter((name) => name !== 'InputLayer').sort()).toEqual([...CAPTURED_LAYERS].sort());
  });

  it('stands in docs/layers.md with the kernels that it calls', async () => {
    await expect(documentation()).toMatchFileSnapshot('../../../../docs/layers.md');
  });
});

describe('the gradient of a maximum over a window', () => {
  it('goes to the first of equal elements, row by row', async () => {
    const inputs: ProgramInput[] = [{ name: 'x', shape: [1, 2, 4, 1], dtype: 'float32' }];
    const build: Computation['build'] = (tensors) => {
      const sum = (x: tf.Tensor): tf.Scalar => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid').sum();
      return { gradient: tf.grad(sum)(tensors.get('x')!) };
    };
    const computation = { program: await captureProgram({ name: 'ties', inputs, build }), inputs, build };
    // Left window: all equal. Right window: the maximum 5 stands top right and bottom left.
    const numbers = { x: [3, 3, 1, 5, 3, 3, 5, 2] };
    for (const { run } of [reference, onnxruntime]) {
      const [result] = await run(computation, [numbers]);
      expect([...Array.from(result!['gradient']!)]).toEqual([1, 0, 0, 1, 0, 0, 0, 0]);
    }
  });
});

describe('a model that cannot be captured', () => {
  const refusal = (...added: tf.layers.Layer[]) => {
    const x = tf.input({ batchShape: [BATCH, 3, 4] });
    const y = added.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, x);
    const model = tf.model({ inputs: x, outputs: y });
    return captureModel({ name: 'refused', inputs: [[3, 4]], build: () => y }, model);
  };

  it('is refused by the name of its layer, with what to use instead', async () => {
    await expect(refusal(tf.layers.batchNormalization({ name: 'norm' }))).rejects.toThrow(
      /layer norm \(BatchNormalization\) cannot be captured: .*use tf\.layers\.layerNormalization, or freeze it/,
    );
    await expect(refusal(tf.layers.alphaDropout({ rate: 0.5, name: 'drop' }))).rejects.toThrow(
      /layer drop \(AlphaDropout\) cannot be captured: .*use tf\.layers\.dropout/,
    );
    await expect(refusal(tf.layers.lstm({ units: 2, dropout: 0.5, name: 'memory' }))).rejects.toThrow(
      /layer memory \(LSTM\) cannot be captured: .*dropout: 0/,
    );
    await expect(refusal(tf.layers.gru({ units: 2, stateful: true }))).rejects.toThrow(/stateful: false/);
  });

  it('is refused where a layer drops everything, the same in two places, or numbers of no known shape', async () => {
    const { dropout, timeDistributed } = tf.layers;
    const drop = dropout({ rate: 0.5, name: 'drop' });
    await expect(refusal(drop, drop)).rejects.toThrow(/in the layer drop \(Dropout\): it is used more than once/);
    await expect(refusal(dropout({ rate: 1, name: 'all' }))).rejects.toThrow(/layer all \(Dropout\) drops everything/);
    await expect(refusal(timeDistributed({ layer: dropout({ rate: 0.5 }) }))).rejects.toThrow(
      /\(Dropout\) is within another layer/,
    );
  });

  it('is refused where tf.layers do not compute what a layer says', () => {
    const x = tf.input({ batchShape: [BATCH, 5, 5, 2] });
    const dilated = tf.layers.depthwiseConv2d({ kernelSize: 2, dilationRate: 2, name: 'wide' });
    const model = tf.model({ inputs: x, outputs: dilated.apply(x) as tf.SymbolicTensor });
    expect(() => layerWeights(model)).toThrow(
      /layer wide \(DepthwiseConv2D\) .*ignores its dilationRate; use separable/,
    );
  });

  it('names the layer and the kernel that it does not know', async () => {
    class Sums extends tf.layers.Layer {
      static className = 'Sums';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return tf.cumsum(Array.isArray(inputs) ? inputs[0]! : inputs, 1);
      }
    }
    await expect(refusal(new Sums({ name: 'sums' }))).rejects.toThrow(
      /in the layer sums \(Sums\): the tfjs operation Cumsum cannot be captured/,
    );
  });

  it('keeps its own weights, whether the call succeeds or not', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    const [kernel, bias] = layerWeights(model).map(({ name }) => name) as [string, string];
    const before = model.getWeights().map((weight) => weight.dataSync()[0]);
    const given = new Map<string, tf.Tensor>([
      [kernel, tf.tensor2d([[2]])],
      [bias, tf.tensor1d([3])],
    ]);
    expect(applyLayers(model, given, [tf.tensor2d([[5]])])[0]!.dataSync()[0]).toBe(13);
    expect(() => applyLayers(model, new Map(), [tf.tensor2d([[5]])])).toThrow(/needs a tensor \[1, 1\], got none/);
    expect(model.weights.map((weight) => weight.read().dataSync()[0])).toEqual(before);
  });
});

function documentation(): string {
  const rows = LAYER_CASES.map(({ name }) => [name, [...(kernelsByCase.get(name) ?? [])].sort().join(', ')]);
  const refused = Object.entries(REFUSED_LAYERS);
  return [
    '# Layers that can be captured',
    '',
    'A test writes this page from what it captures: `packages/engine/src/conformance/layers.test.ts`.',
    'Each model below is captured, forward and backward, and compared with TensorFlow.js.',
    '',
    'Layers:',
    '',
    ...CAPTURED_LAYERS.map((name) => `- ${name}`),
    '',
    'If several elements of a window are the maximum, the gradient goes to the first of them.',
    '',
    'A layer that drops or adds at random is off outside of training. What it draws depends on the seed, the epoch, the',
    'sample and the place of the layer alone, so it is the same on every worker and after a resume.',
    '',
    '## Not captured',
    '',
    ...table(['layer', 'why, and what to do'], refused),
    '',
    'A layer that is not on this page is tried. If it calls an unknown kernel, the error names the layer and the kernel.',
    'Gradients of dilated convolutions and of tf.mirrorPad are ours; TensorFlow.js has none.',
    'A batchNormalization that is frozen computes with its stored averages.',
    '',
    '## Kernels of each model',
    '',
    ...table(['model', 'kernels, forward and backward'], rows),
    '',
  ].join('\n');
}

/** A Markdown table as prettier writes it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
