import { expect, it } from 'vitest';
import { KeptAnswers } from './kept-answers.js';

it('scores micro-batches as one, without what pads the last one, and names mistakes by the ids of their split', () => {
  const answers = KeptAnswers.of(Uint32Array.of(10, 30, 20), 2)!;
  answers.add(Float32Array.of(4, 0, 0, 1), Uint8Array.of(0, 1));
  // The second row pads the micro-batch.
  answers.add(Float32Array.of(0, 3, 9, 9), Int32Array.of(0));
  const { accuracy, confusion, topMistakes } = answers.scores();
  expect(accuracy).toBeCloseTo(2 / 3, 12);
  expect(confusion).toEqual([
    [1, 1],
    [0, 1],
  ]);
  expect(topMistakes).toMatchObject([{ sample: 20, truth: 0, answer: 1 }]);
  expect(topMistakes[0]!.confidence).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
});

it('keeps nothing where answers are no classes, or where they are more than memory should hold', () => {
  expect(KeptAnswers.of(new Uint32Array(4), 0)).toBeUndefined();
  expect(KeptAnswers.of(new Uint32Array(2 ** 20), 2 ** 7)).toBeUndefined();
});
