/**
 * The 95 % interval of an accuracy that was measured on a limited number of images (Wilson 1927). Unlike the usual plus and
 * minus it stays within 0 and 1, and it is right near both ends, where accuracies are.
 */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % of a normal distribution. */
const Z = 1.959963984540054;

/**
 * The 95 % interval of a share.
 *
 * @param share 0..1
 * @param samples of which it is the share; at least 1
 */
export function wilsonInterval(share: number, samples: number): Interval {
  const z2 = Z * Z;
  const scale = 1 + z2 / samples;
  const centre = (share + z2 / (2 * samples)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / samples + z2 / (4 * samples * samples));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
