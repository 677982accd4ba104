/** Augmented micro-batches, byte by byte, against NumPy and SciPy, from the same draws. */
import { describe, expect, it } from 'vitest';
import { randomKey, randomStream, type ImageShape } from '@facet/shared';
import type { AugmentationConfig } from '@facet/multiview/config';
import { OPERATIONS } from '../packages/multiview/src/data/augmentation/rand-augment.js';
import { allocateMicroBatch, fillMicroBatch } from '../packages/multiview/src/data/micro-batch.js';
import { expectClose, storedNumbers, storedTensors } from './stored-numbers.js';

interface MicroBatchCase {
  readonly name: string;
  readonly image: ImageShape;
  readonly recipe: AugmentationConfig;
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  readonly size: number;
  readonly classes: number;
  readonly mean: readonly number[];
  readonly seed: number;
  readonly epoch: number;
  readonly step: number;
  readonly index: number;
  readonly targets: readonly number[];
}

interface OperationCase {
  readonly name: string;
  readonly image: ImageShape;
  readonly strength: number;
  readonly padding: 'zero' | 'reflect';
  readonly pixels: readonly number[];
}

const { cases, operations } = storedNumbers<{
  cases: readonly MicroBatchCase[];
  operations: readonly OperationCase[];
}>('augmentation');
const images = storedTensors('augmentation');

function bytesOf({ height, width, channels }: ImageShape, number: number): Uint8Array {
  const stream = randomStream(randomKey('simulation', 100, number));
  return Uint8Array.from({ length: height * width * channels }, () => stream.nextBelow(256));
}

describe.each(cases)('$name', (of) => {
  it('makes the micro-batch of NumPy and SciPy', () => {
    const { image, ids, labels, size, classes, recipe, mean, seed, epoch, step, index } = of;
    const tensors = allocateMicroBatch(size, image, classes);
    const pixels = Uint8Array.from(ids.flatMap((id) => [...bytesOf(image, id)]));
    const samples = { ids: Uint32Array.from(ids), labels: Uint8Array.from(labels), pixels };
    const augmentation = { recipe, pixelMean: mean, step, index };
    fillMicroBatch(tensors, samples, { image, classes, seed, epoch, augmentation });
    expectClose(tensors.images, images.get(of.name)!, 2e-7, 'images');
    expectClose(tensors.targets, of.targets, 2e-7, 'targets');
  });
});

describe.each(operations)('$name at $strength with $padding, $image.channels channels', (of) => {
  it('gives the bytes of NumPy and SciPy', () => {
    const { image, name, strength, padding } = of;
    const source = bytesOf(image, 7).map((value, at) => (at % image.channels === 0 ? value >> 4 : value));
    const target = new Uint8Array(source.length);
    OPERATIONS.find((operation) => operation.name === name)!.apply(source, target, image, strength, padding);
    expect([...target]).toEqual(of.pixels);
  });
});

it('every operation is compared', () => {
  expect(OPERATIONS.map(({ name }) => name)).toEqual([...new Set(operations.map(({ name }) => name))]);
});
