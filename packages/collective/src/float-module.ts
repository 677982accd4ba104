/**
 * The loops over the values of gradients: adding, the checksum, and the formats of the wire. All work on addresses; every pass takes
 * a fixed number of bytes, of which the lengths are multiples. What the formats do is explained in formats/, which have the same loops
 * in JavaScript for values that are elsewhere and for what is left at the end.
 */
import {
  absolute,
  addFloat,
  addInts,
  advance,
  and,
  assembleModule,
  atLeastFloat,
  constant,
  equalInts,
  floor,
  get,
  greaterInts,
  I32,
  LANE_NUMBERS,
  largerOfInts,
  lessInts,
  load,
  loadByte,
  multiplyFloat,
  multiplyInts,
  narrowToHalves,
  narrowToSignedBytes,
  narrowToSignedHalves,
  or,
  repeat,
  rotateLanes,
  select,
  set,
  shiftLeft,
  shiftRight,
  splat,
  splatFloat,
  splatLocal,
  store,
  storeByte,
  subtractFloat,
  subtractInts,
  toFloats,
  toInts,
  widenHighHalves,
  widenHighSignedBytes,
  widenHighSignedHalves,
  widenLowHalves,
  widenLowSignedBytes,
  widenLowSignedHalves,
  xor,
  type Code,
  type WasmFunction,
} from './wasm-assembler.js';
import { BF16, FP16, INFINITY_BITS, INT8, SIZE_BITS } from './formats/float-bits.js';

const VECTOR_BYTES = 16;
const VECTORS = [0, 1, 2, 3, 4, 5, 6, 7];
/** Lanes of the checksum: eight vectors, so that none waits for the multiplication of the one before. */
export const LANES = 32;
/** Bytes of one pass of `add` and `absorb`: two words of every lane. */
export const STRIDE = 2 * LANES * Uint32Array.BYTES_PER_ELEMENT;
/** Of the checksum: odd, so that a product loses nothing; from xxHash. */
export const PRIME = 0x9e3779b1;
export const ROTATION = 15;
/** Bytes of values of one pass of the formats. */
export const FORMAT_STRIDE = 64;

/** Lengths are bytes of float32 values unless it says otherwise. */
export interface FloatFunctions {
  /** target = left + right. */
  readonly add: (target: number, left: number, right: number, bytes: number) => void;
  /** Takes bytes into the state of a checksum at address 0. */
  readonly absorb: (at: number, bytes: number) => void;
  readonly roundBf16: (at: number, bytes: number) => void;
  readonly encodeBf16: (from: number, to: number, bytes: number) => void;
  readonly decodeBf16: (from: number, to: number, bytes: number) => void;
  readonly roundFp16: (at: number, bytes: number) => void;
  readonly encodeFp16: (from: number, to: number, bytes: number) => void;
  readonly decodeFp16: (from: number, to: number, bytes: number) => void;
  /** Whole blocks of 256 values, which begin at the element `start` of the gradient. */
  readonly roundInt8: (at: number, bytes: number, start: number, key: number) => void;
  readonly encodeInt8: (from: number, to: number, bytes: number) => void;
  readonly decodeInt8: (from: number, to: number, bytes: number) => void;
}

/** The module of these functions over an imported memory. */
export function assembleFloatModule(maxPages: number): Uint8Array {
  const functions: Record<keyof FloatFunctions, Loop> = {
    add: { params: [I32, I32, I32, I32], body: addBody() },
    absorb: { params: [I32, I32], vectors: VECTORS.length, body: absorbBody() },
    roundBf16: inPlace(bf16Rounded),
    encodeBf16: narrowing(bf16Half),
    decodeBf16: widening(bf16Value),
    roundFp16: inPlace(fp16Rounded),
    encodeFp16: narrowing(fp16Half),
    decodeFp16: widening(fp16Value),
    roundInt8: { params: [I32, I32, I32, I32], vectors: 6, body: roundInt8Body() },
    encodeInt8: { params: [I32, I32, I32], vectors: 3, body: encodeInt8Body() },
    decodeInt8: { params: [I32, I32, I32], vectors: 2, body: decodeInt8Body() },
  };
  return assembleModule(
    Object.entries(functions).map(([name, loop]) => ({ name, ...loop })),
    maxPages,
  );
}

type Loop = Omit<WasmFunction, 'name'>;

function addBody(): Code {
  const [target, left, right, bytes] = [0, 1, 2, 3];
  const sums = [...VECTORS, ...VECTORS.map((vector) => VECTORS.length + vector)].flatMap((vector) => {
    const offset = VECTOR_BYTES * vector;
    return store(get(target), offset, addFloat(load(get(left), offset), load(get(right), offset)));
  });
  return repeat(bytes, STRIDE, [...sums, ...[target, left, right].flatMap((at) => advance(at, STRIDE))]);
}

function absorbBody(): Code {
  const [at, bytes, lanes] = [0, 1, 2];
  const rotated = (code: Code): Code => or(shiftLeft(code, ROTATION), shiftRight(code, 32 - ROTATION));
  const steps = VECTORS.flatMap((vector) => {
    const [lane, offset] = [lanes + vector, VECTOR_BYTES * vector];
    return [
      ...set(lane, xor(get(lane), load(get(at), offset))),
      ...set(lane, multiplyInts(xor(rotated(get(lane)), load(get(at), STRIDE / 2 + offset)), splat(PRIME))),
    ];
  });
  const state = constant(0);
  const from = VECTORS.flatMap((vector) => set(lanes + vector, load(state, VECTOR_BYTES * vector)));
  const to = VECTORS.flatMap((vector) => store(state, VECTOR_BYTES * vector, get(lanes + vector)));
  return [...from, ...repeat(bytes, STRIDE, [...steps, ...advance(at, STRIDE)]), ...to];
}

const offsets = (bytes: number): number[] =>
  Array.from({ length: bytes / VECTOR_BYTES }, (_, vector) => VECTOR_BYTES * vector);

/** A loop that replaces every vector of values. */
function inPlace(result: (value: Code) => Code): Loop {
  const [at, bytes, value] = [0, 1, 2];
  const body = offsets(FORMAT_STRIDE).flatMap((offset) => [
    ...set(value, load(get(at), offset)),
    ...store(get(at), offset, result(get(value))),
  ]);
  return {
    params: [I32, I32],
    vectors: 1,
    body: repeat(bytes, FORMAT_STRIDE, [...body, ...advance(at, FORMAT_STRIDE)]),
  };
}

/** A loop that makes 16 bits of every value. */
function narrowing(half: (value: Code) => Code): Loop {
  const [from, to, bytes, first, second] = [0, 1, 2, 3, 4];
  const body = offsets(FORMAT_STRIDE / 2).flatMap((offset) => [
    ...set(first, load(get(from), 2 * offset)),
    ...set(second, load(get(from), 2 * offset + VECTOR_BYTES)),
    ...store(get(to), offset, narrowToHalves(half(get(first)), half(get(second)))),
  ]);
  const next = [...advance(from, FORMAT_STRIDE), ...advance(to, FORMAT_STRIDE / 2)];
  return { params: [I32, I32, I32], vectors: 2, body: repeat(bytes, FORMAT_STRIDE, [...body, ...next]) };
}

/** A loop that makes a value of every 16 bits. */
function widening(value: (half: Code) => Code): Loop {
  const [from, to, bytes, halves, half] = [0, 1, 2, 3, 4];
  const body = offsets(FORMAT_STRIDE / 2).flatMap((offset) => [
    ...set(halves, load(get(from), offset)),
    ...set(half, widenLowHalves(get(halves))),
    ...store(get(to), 2 * offset, value(get(half))),
    ...set(half, widenHighHalves(get(halves))),
    ...store(get(to), 2 * offset + VECTOR_BYTES, value(get(half))),
  ]);
  const next = [...advance(from, FORMAT_STRIDE / 2), ...advance(to, FORMAT_STRIDE)];
  return { params: [I32, I32, I32], vectors: 2, body: repeat(bytes, FORMAT_STRIDE, [...body, ...next]) };
}

function bf16Rounded(value: Code): Code {
  const near = addInts(addInts(value, splat(BF16.half)), and(shiftRight(value, 16), splat(1)));
  const isNaN = greaterInts(and(value, splat(SIZE_BITS)), splat(INFINITY_BITS));
  return and(select(isNaN, or(value, splat(BF16.quiet)), near), splat(BF16.upper));
}

function bf16Half(value: Code): Code {
  return shiftRight(value, 16);
}

function bf16Value(half: Code): Code {
  return shiftLeft(half, 16);
}

function fp16Rounded(value: Code): Code {
  const size = and(value, splat(SIZE_BITS));
  const grid = splatFloat(FP16.subnormalGrid);
  const subnormal = subtractFloat(addFloat(value, grid), grid);
  const tie = and(shiftRight(value, FP16.mantissaShift), splat(1));
  const near = and(addInts(addInts(value, splat(0xfff)), tie), splat(~0x1fff));
  const isTooLarge = greaterInts(and(near, splat(SIZE_BITS)), splat(FP16.largest));
  const normal = select(isTooLarge, or(and(value, splat(~SIZE_BITS)), splat(FP16.largest)), near);
  const finite = select(lessInts(size, splat(FP16.smallestNormal)), subnormal, normal);
  return select(lessInts(size, splat(INFINITY_BITS)), finite, value);
}

function fp16Half(value: Code): Code {
  const size = and(value, splat(SIZE_BITS));
  const sign = and(shiftRight(value, 16), splat(0x8000));
  const subnormal = toInts(multiplyFloat(absolute(value), splatFloat(1 / FP16.subnormalUnit)));
  const normal = shiftRight(subtractInts(size, splat(FP16.rebias)), FP16.mantissaShift);
  const finite = select(lessInts(size, splat(FP16.smallestNormal)), subnormal, normal);
  const number = select(equalInts(size, splat(INFINITY_BITS)), splat(FP16.infinite), finite);
  return select(greaterInts(size, splat(INFINITY_BITS)), splat(FP16.notANumber), or(sign, number));
}

function fp16Value(half: Code): Code {
  const size = and(half, splat(0x7fff));
  const sign = shiftLeft(and(half, splat(0x8000)), 16);
  const subnormal = multiplyFloat(toFloats(size), splatFloat(FP16.subnormalUnit));
  const normal = addInts(shiftLeft(size, FP16.mantissaShift), splat(FP16.rebias));
  const finite = select(lessInts(size, splat(0x400)), subnormal, normal);
  const number = select(equalInts(size, splat(FP16.infinite)), splat(INFINITY_BITS), finite);
  return select(greaterInts(size, splat(FP16.infinite)), splatFloat(Number.NaN), or(sign, number));
}

/** Of a block of int8, whose numbers are computed in every lane at once. */
const BLOCK_BYTES = INT8.block * Float32Array.BYTES_PER_ELEMENT;
/** Of a float32's exponent. */
const BIAS = 127;

/** Sets a local to the largest bits but the sign of a block, in every lane. */
function largestOfBlock(at: number, largest: number): Code {
  const sizes = offsets(BLOCK_BYTES).flatMap((offset) =>
    set(largest, largerOfInts(get(largest), and(load(get(at), offset), splat(SIZE_BITS)))),
  );
  const across = [2, 1].flatMap((lanes) => set(largest, largerOfInts(get(largest), rotateLanes(get(largest), lanes))));
  return [...set(largest, splat(0)), ...sizes, ...across];
}

/** The smallest exponent with which the largest of a block is at most 127 units. */
function exponentOf(largest: Code): Code {
  const isAbove = greaterInts(and(largest, splat(0x7fffff)), splat(INT8.fittingMantissa));
  const exponent = addInts(shiftRight(largest, 23), select(isAbove, splat(-BIAS - 5), splat(-BIAS - 6)));
  return largerOfInts(exponent, splat(INT8.smallestExponent));
}

/** Two to the power of it, as float32. */
const powerOfTwo = (exponent: Code): Code => shiftLeft(addInts(exponent, splat(BIAS)), 23);
const negative = (ints: Code): Code => subtractInts(splat(0), ints);
const isNotFinite = (largest: Code): Code => greaterInts(largest, splat(INT8.largest));

function roundInt8Body(): Code {
  const [at, bytes, start, key] = [0, 1, 2, 3];
  const [largest, unit, inverse, hash, units, whole] = [4, 5, 6, 7, 8, 9];
  const steps = offsets(BLOCK_BYTES).flatMap((offset, vector) => {
    const element = addInts(addInts(splatLocal(start), splat(4 * vector)), LANE_NUMBERS);
    const mixed = xor(get(hash), shiftRight(get(hash), 15));
    const drawn = shiftRight(xor(get(hash), shiftRight(get(hash), 13)), 8);
    const oneLess = subtractFloat(splatFloat(1), multiplyFloat(toFloats(drawn), splatFloat(2 ** -24)));
    const isUp = atLeastFloat(subtractFloat(get(units), get(whole)), oneLess);
    return [
      ...set(hash, multiplyInts(xor(element, splatLocal(key)), splat(0x9e3779b1))),
      ...set(hash, multiplyInts(mixed, splat(0x85ebca6b))),
      ...set(units, multiplyFloat(load(get(at), offset), get(inverse))),
      ...set(whole, floor(get(units))),
      ...store(get(at), offset, multiplyFloat(addFloat(get(whole), and(isUp, splatFloat(1))), get(unit))),
    ];
  });
  const block = [
    ...largestOfBlock(at, largest),
    ...set(unit, exponentOf(get(largest))),
    ...set(inverse, powerOfTwo(negative(get(unit)))),
    // Times NaN everything is NaN.
    ...set(unit, select(isNotFinite(get(largest)), splatFloat(Number.NaN), powerOfTwo(get(unit)))),
    ...steps,
  ];
  const elements = BLOCK_BYTES / Float32Array.BYTES_PER_ELEMENT;
  return repeat(bytes, BLOCK_BYTES, [...block, ...advance(at, BLOCK_BYTES), ...advance(start, elements)]);
}

function encodeInt8Body(): Code {
  const [from, to, bytes] = [0, 1, 2];
  const [largest, exponent, inverse] = [3, 4, 5];
  const packed = offsets(BLOCK_BYTES / 4).flatMap((offset) => {
    const [a, b, c, d] = [0, 1, 2, 3].map((vector) =>
      toInts(multiplyFloat(load(get(from), 4 * offset + VECTOR_BYTES * vector), get(inverse))),
    ) as [Code, Code, Code, Code];
    return store(get(to), 1 + offset, narrowToSignedBytes(narrowToSignedHalves(a, b), narrowToSignedHalves(c, d)));
  });
  const byte = subtractInts(get(exponent), splat(INT8.smallestExponent));
  const block = [
    ...largestOfBlock(from, largest),
    ...set(exponent, exponentOf(get(largest))),
    ...set(inverse, powerOfTwo(negative(get(exponent)))),
    ...storeByte(get(to), select(isNotFinite(get(largest)), splat(INT8.notFinite), byte)),
    ...packed,
  ];
  const encoded = 1 + BLOCK_BYTES / 4;
  return repeat(bytes, BLOCK_BYTES, [...block, ...advance(from, BLOCK_BYTES), ...advance(to, encoded)]);
}

function decodeInt8Body(): Code {
  const [from, to, bytes] = [0, 1, 2];
  const [unit, packed] = [3, 4];
  const halves = [widenLowSignedBytes(get(packed)), widenHighSignedBytes(get(packed))];
  const units = halves.flatMap((half) => [widenLowSignedHalves(half), widenHighSignedHalves(half)]);
  const values = offsets(BLOCK_BYTES / 4).flatMap((offset) => [
    ...set(packed, load(get(from), 1 + offset)),
    ...units.flatMap((ints, vector) =>
      store(get(to), 4 * offset + VECTOR_BYTES * vector, multiplyFloat(toFloats(ints), get(unit))),
    ),
  ]);
  const byte = and(loadByte(get(from)), splat(0xff));
  const power = powerOfTwo(addInts(get(unit), splat(INT8.smallestExponent)));
  const isNaN = equalInts(get(unit), splat(INT8.notFinite));
  const block = [...set(unit, byte), ...set(unit, select(isNaN, splatFloat(Number.NaN), power)), ...values];
  const encoded = 1 + BLOCK_BYTES / 4;
  return repeat(bytes, BLOCK_BYTES, [...block, ...advance(from, encoded), ...advance(to, BLOCK_BYTES)]);
}
