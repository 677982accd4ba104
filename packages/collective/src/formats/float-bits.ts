/** Numbers of the formats, as bits of float32 unless it says otherwise: of the loops in JavaScript and of those in the kernels. */

/** All but the sign: in the order of the values. */
export const SIZE_BITS = 0x7fffffff;
export const INFINITY_BITS = 0x7f800000;

export const BF16 = { half: 0x7fff, upper: 0xffff0000 | 0, quiet: 0x400000 } as const;

export const FP16 = {
  /** 65,504. */
  largest: 0x477fe000,
  /** 2^-14. */
  smallestNormal: 0x38800000,
  /** A value. Its float32 neighbours are one binary16 subnormal apart, so adding it rounds to them. */
  subnormalGrid: 0.75,
  /** A value. */
  subnormalUnit: 2 ** -24,
  mantissaShift: 13,
  /** 127 - 15, the difference of the exponents' biases, where float32 has it. */
  rebias: 112 << 23,
  /** As binary16, like the next. */
  infinite: 0x7c00,
  notANumber: 0x7e00,
} as const;

export const INT8 = {
  /** Values that share an exponent. */
  block: 256,
  /** 127 times 2^121: rounding anything larger could make it infinite. */
  largest: 0x7f7e0000,
  /** The byte that stands for a block with something larger or NaN, all of which becomes NaN. */
  notFinite: 0xff,
  /** A number: smaller exponents are as good as zero for a gradient. */
  smallestExponent: -120,
  /** What of the largest value's mantissa still fits into 127 units of 2^(e - 6), which are 1.984375 times 2^e. */
  fittingMantissa: 0x7e0000,
} as const;
