/**
 * The small task on which an engine proves its gradients: a convolution, resampling, tokens with attention to themselves, an
 * MLP, pooling by a softmax and a classifier. It uses the operations that models are made of, and few of each, and it is of
 * no model: what an engine computes wrongly here, it would compute wrongly anywhere.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, crossEntropy, gelu, layerNorm, linear, softmax } from '@facet/compiler';
import type { BatchTensors, Initialiser, ParameterSpec, Task, Tensors } from '@facet/task';

/** The sizes of a micro-batch; images are [side, side] and of one channel. */
export const PROBE = { microBatch: 6, side: 12, classes: 10 } as const;

const KERNEL = 3;
const FEATURES = 8;
const WIDTH = 16;
const HEADS = 2;
/** Tokens along one side: the convolution has stride 2. */
const GRID = PROBE.side / 2;
const TOKENS = GRID * GRID;
const ROWS = PROBE.microBatch * TOKENS;
const LABEL_SMOOTHING = 0.1;

export interface ProbeTensors extends BatchTensors {
  /** [microBatch, side * side], in [0, 1] */
  readonly images: Float32Array;
  /** [microBatch, classes], a distribution per row */
  readonly targets: Float32Array;
}

const normal = (stddev: number): Initialiser => ({ kind: 'normal', stddev });
const constant = (value: number): Initialiser => ({ kind: 'constant', value });

const PARAMETERS: readonly ParameterSpec[] = [
  { name: 'convolution.weight', shape: [KERNEL, KERNEL, 1, FEATURES], initialiser: normal(1 / KERNEL), decays: true },
  ...norm('norm', FEATURES),
  ...dense('embedding', FEATURES, WIDTH),
  { name: 'position', shape: [TOKENS, WIDTH], initialiser: normal(0.02), decays: false },
  ...norm('attention.norm', WIDTH),
  ...dense('attention.qkv', WIDTH, 3 * WIDTH),
  ...dense('attention.out', WIDTH, WIDTH),
  ...norm('mlp.norm', WIDTH),
  ...dense('mlp.in', WIDTH, 2 * WIDTH),
  ...dense('mlp.out', 2 * WIDTH, WIDTH),
  ...norm('head.norm', WIDTH),
  { name: 'head.pool', shape: [WIDTH, 1], initialiser: normal(1 / Math.sqrt(WIDTH)), decays: true },
  ...dense('head', WIDTH, PROBE.classes),
];

function dense(name: string, from: number, to: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [from, to], initialiser: normal(1 / Math.sqrt(from)), decays: true },
    { name: `${name}.bias`, shape: [to], initialiser: constant(0), decays: false },
  ];
}

function norm(name: string, features: number): ParameterSpec[] {
  return [
    { name: `${name}.gain`, shape: [features], initialiser: constant(1), decays: false },
    { name: `${name}.bias`, shape: [features], initialiser: constant(0), decays: false },
  ];
}

/** See TaskReference. */
export const bind = (): Task<ProbeTensors> => PROBE_TASK;

export const PROBE_TASK: Task<ProbeTensors> = {
  name: 'probe',
  microBatch: PROBE.microBatch,
  parameters: PARAMETERS,
  inputs: [
    { name: 'images', shape: [PROBE.microBatch, PROBE.side * PROBE.side] },
    { name: 'targets', shape: [PROBE.microBatch, PROBE.classes] },
  ],
  metrics: ['correct'],
  answer: { kind: 'class', classes: PROBE.classes, label: 'label' },
  predictInputs: ['images'],
  prepare({ fields }, { images, targets }) {
    images.set(fields['image']!);
    targets.fill(0);
    fields['label']!.forEach((label, row) => (targets[row * PROBE.classes + label] = 1));
  },
  loss(parameters, inputs) {
    const targets = inputs.get('targets') as tf.Tensor2D;
    const logits = predict(parameters, inputs);
    return {
      losses: crossEntropy({ logits, targets, labelSmoothing: LABEL_SMOOTHING }),
      metrics: { correct: logits.argMax(1).equal(targets.argMax(1)).cast('float32') },
    };
  },
  predict,
  // Compiled code in tests too: src and dist lie beside each other.
  reference: { module: new URL('../dist/probe-task.js', import.meta.url).href, argument: null },
};

function predict(parameters: Tensors, inputs: Tensors): tf.Tensor2D {
  const { microBatch, side } = PROBE;
  const of = <T extends tf.Tensor>(name: string): T => parameters.get(name) as T;
  const project = (name: string, x: tf.Tensor2D): tf.Tensor2D => linear(x, of(`${name}.weight`), of(`${name}.bias`));
  const normalise = (name: string, x: tf.Tensor2D): tf.Tensor2D => layerNorm(x, of(`${name}.gain`), of(`${name}.bias`));
  return tf.tidy(() => {
    const images = inputs.get('images')!.reshape<tf.Tensor4D>([microBatch, side, side, 1]);
    // A resampling by whole columns, as views have them: the gradient gathers and adds.
    const mirrored = images.gather(tf.tensor1d([...Array(side).keys()].reverse(), 'int32'), 2);
    const cells = tf.conv2d(images.add<tf.Tensor4D>(mirrored.mul(0.5)), of('convolution.weight'), 2, 'same');
    const features = gelu(normalise('norm', cells.reshape<tf.Tensor2D>([ROWS, FEATURES])));
    const embedded = project('embedding', features).reshape([microBatch, TOKENS, WIDTH]).add(of('position'));
    let z = embedded.reshape<tf.Tensor2D>([ROWS, WIDTH]);

    const [query, key, value] = tf
      .split(project('attention.qkv', normalise('attention.norm', z)), 3, 1)
      .map((part) => part.reshape<tf.Tensor4D>([microBatch, TOKENS, HEADS, WIDTH / HEADS]).transpose([0, 2, 1, 3])) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const seen = attention({ query, key, value }).transpose([0, 2, 1, 3]).reshape<tf.Tensor2D>([ROWS, WIDTH]);
    z = z.add(project('attention.out', seen));
    z = z.add(project('mlp.out', gelu(project('mlp.in', normalise('mlp.norm', z)))));

    const normed = normalise('head.norm', z);
    const shares = softmax(tf.matMul(normed, of<tf.Tensor2D>('head.pool')).reshape([microBatch, 1, TOKENS]));
    const pooled = tf.matMul(shares, normed.reshape([microBatch, TOKENS, WIDTH]));
    return project('head', pooled.reshape([microBatch, WIDTH]));
  });
}
