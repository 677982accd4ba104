/**
 * Assembles small WebAssembly modules of loops over vectors: a compiler would be a dependency, and what it is needed for is a few loops.
 * Code is a list of bytes that leaves its result on the stack, so that code can be put together like expressions. Numbers are opcodes
 * of the WebAssembly 2.0 binary format.
 */

export type Code = readonly number[];

export const I32 = 0x7f;
const V128 = 0x7b;
/** Of a memory that is shared and has a limit. */
const SHARED = 0x03;
const END = 0x0b;

export interface WasmFunction {
  readonly name: string;
  readonly params: readonly (typeof I32)[];
  /** How many local vectors follow the parameters. */
  readonly vectors?: number;
  readonly body: Code;
}

/** A module that imports the memory `facet.memory` and exports functions. */
export function assembleModule(functions: readonly WasmFunction[], maxPages: number): Uint8Array {
  const name = (text: string): Code => [text.length, ...Buffer.from(text)];
  const list = (entries: readonly Code[]): Code => [...signed(entries.length), ...entries.flat()];
  const section = (id: number, content: Code): Code => [id, ...signed(content.length), ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(functions.map(({ params }) => [0x60, params.length, ...params, 0]))),
    ...section(2, list([[...name('facet'), ...name('memory'), 2, SHARED, 1, ...signed(maxPages)]])),
    ...section(3, list(functions.map((_, index) => [index]))),
    ...section(7, list(functions.map((one, index) => [...name(one.name), 0, index]))),
    ...section(
      10,
      list(
        functions.map(({ vectors = 0, body }) => {
          const whole = [...(vectors === 0 ? [0] : [1, vectors, V128]), ...body, END];
          return [...signed(whole.length), ...whole];
        }),
      ),
    ),
  ]);
}

/** Signed LEB128, which for the positive lengths here is a valid, if longer, unsigned one. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const isLast = rest >= -64 && rest < 64;
    bytes.push(isLast ? rest & 0x7f : (rest & 0x7f) | 0x80);
    if (isLast) return bytes;
  }
}

export const get = (local: number): Code => [0x20, local];
export const set = (local: number, code: Code): Code => [...code, 0x21, local];
export const constant = (value: number): Code => [0x41, ...signed(value | 0)];
const simd = (opcode: number): Code => [0xfd, ...(opcode < 0x80 ? [opcode] : [(opcode & 0x7f) | 0x80, 1])];

/** The vector at an address and an offset. */
export const load = (address: Code, offset = 0): Code => [...address, ...simd(0x00), 0, ...signed(offset)];
export const store = (address: Code, offset: number, code: Code): Code => [
  ...[...address, ...code],
  ...[...simd(0x0b), 0, ...signed(offset)],
];
/** The byte at an address, in every byte of a vector. */
export const loadByte = (address: Code): Code => [...address, ...simd(0x07), 0, 0];
/** Stores the lowest byte of a vector. */
export const storeByte = (address: Code, code: Code): Code => [...address, ...code, ...simd(0x58), 0, 0, 0];
/** Adds to a local i32. */
export const advance = (local: number, by: number): Code => set(local, [...get(local), ...constant(by), 0x6a]);
/** Repeats a body while a local, of which every pass takes so much, is not zero; not for zero. */
export const repeat = (counter: number, step: number, body: Code): Code => [
  ...[0x03, 0x40, ...body, ...advance(counter, -step)],
  ...[...get(counter), 0x0d, 0, END],
];

/** The same integer, or bits, in every lane. */
export const splat = (value: number): Code => [...constant(value), ...simd(0x11)];
/** The same float32 in every lane. */
export const splatFloat = (value: number): Code => {
  const bits = Buffer.alloc(4);
  bits.writeFloatLE(value);
  return splat(bits.readInt32LE());
};
export const splatLocal = (local: number): Code => [...get(local), ...simd(0x11)];
/** 0, 1, 2, 3. */
export const LANE_NUMBERS: Code = [...simd(0x0c), ...[0, 1, 2, 3].flatMap((lane) => [lane, 0, 0, 0])];
/** Every lane takes the value of the lane so many further on. */
export const rotateLanes = (code: Code, lanes: number): Code => [
  ...[...code, ...code, ...simd(0x0d)],
  ...Array.from({ length: 16 }, (_, byte) => (byte + 4 * lanes) % 16),
];

const unary =
  (opcode: number) =>
  (code: Code): Code => [...code, ...simd(opcode)];
const binary =
  (opcode: number) =>
  (left: Code, right: Code): Code => [...left, ...right, ...simd(opcode)];
const shift =
  (opcode: number) =>
  (code: Code, by: number): Code => [...code, ...constant(by), ...simd(opcode)];

export const and = binary(0x4e);
export const or = binary(0x50);
export const xor = binary(0x51);
/** Bit by bit the first where the mask is set, else the second. */
export const select = (mask: Code, first: Code, second: Code): Code => [...first, ...second, ...mask, ...simd(0x52)];

export const shiftLeft = shift(0xab);
export const shiftRight = shift(0xad);
export const addInts = binary(0xae);
export const subtractInts = binary(0xb1);
export const multiplyInts = binary(0xb5);
export const largerOfInts = binary(0xb8);
export const equalInts = binary(0x37);
export const lessInts = binary(0x39);
export const greaterInts = binary(0x3b);

export const floor = unary(0x68);
export const absolute = unary(0xe0);
export const addFloat = binary(0xe4);
export const subtractFloat = binary(0xe5);
export const multiplyFloat = binary(0xe6);
export const atLeastFloat = binary(0x46);
export const toInts = unary(0xf8);
export const toFloats = unary(0xfa);

/** Two vectors of integers become one of half as many bits each, ends of the range for what is beyond it. */
export const narrowToHalves = binary(0x86);
export const narrowToSignedHalves = binary(0x85);
export const narrowToSignedBytes = binary(0x65);
export const widenLowHalves = unary(0xa9);
export const widenHighHalves = unary(0xaa);
export const widenLowSignedHalves = unary(0xa7);
export const widenHighSignedHalves = unary(0xa8);
export const widenLowSignedBytes = unary(0x87);
export const widenHighSignedBytes = unary(0x88);
