/**
 * A few images as attacks left them, for people to look at: the first samples under the most damaging attack of each norm.
 */
import type { Norm } from '@facet/multiview/config';
import { interleavedBytes, answerOf, type Oracle, rowOf, type AttackSamples } from '@facet/multiview';
import type { FinishedAttack } from './run-attack.js';

export interface AttackedExamples {
  /** Name of the attack. */
  readonly attack: string;
  readonly norm: Norm;
  readonly eps: number;
  readonly images: readonly AttackedExample[];
}

export interface AttackedExample {
  /** Its id in the test split. */
  readonly sample: number;
  readonly truth: number;
  /** What the attacked image is taken for. */
  readonly answer: number;
  /** [height, width, channels], 0..255 */
  readonly clean: Uint8Array;
  readonly attacked: Uint8Array;
}

const SHOWN = 5;

/** Examples of each norm that was attacked in. */
export async function attackedExamples(
  oracle: Oracle,
  samples: AttackSamples,
  finished: readonly FinishedAttack[],
): Promise<AttackedExamples[]> {
  const norms = [...new Set(finished.map(({ report }) => report.norm))];
  const examples: AttackedExamples[] = [];
  for (const norm of norms) {
    const ofNorm = finished.filter(({ report }) => report.norm === norm);
    const worst = ofNorm.reduce((least, each) => (each.report.accuracy < least.report.accuracy ? each : least));
    const images = await examplesOf(oracle, samples, worst.result.images);
    examples.push({ attack: worst.report.name, norm, eps: worst.report.eps, images });
  }
  return examples;
}

async function examplesOf(
  { image, classes, logits }: Oracle,
  { ids, labels, images }: AttackSamples,
  attacked: Float32Array,
): Promise<AttackedExample[]> {
  const pixels = images.length / labels.length;
  const count = Math.min(SHOWN, labels.length);
  const answers = await logits(attacked.slice(0, count * pixels));
  return Array.from({ length: count }, (_, i) => ({
    sample: ids[i]!,
    truth: labels[i]!,
    answer: answerOf(rowOf(answers, i, classes)),
    clean: interleavedBytes(rowOf(images, i, pixels), image),
    attacked: interleavedBytes(rowOf(attacked, i, pixels), image),
  }));
}
