/**
 * The WebAssembly module of float-kernels.ts, assembled by hand: it is two loops, and a compiler would be a dependency. Numbers are
 * opcodes of the WebAssembly 2.0 binary format. Both loops take sixteen vectors of 16 bytes at a time.
 */

/** Lanes of the checksum: eight vectors, so that none waits for the multiplication of the one before. */
export const LANES = 32;
/** Bytes of one pass of the loops: two words of every lane. */
export const STRIDE = 2 * LANES * Uint32Array.BYTES_PER_ELEMENT;
/** Of the checksum: odd, so that a product loses nothing; from xxHash. */
export const PRIME = 0x9e3779b1;
export const ROTATION = 15;

/** The module: imports `facet.memory`, exports `add(target, left, right, bytes)` and `absorb(at, bytes)`; see float-memory.ts. */
export function assembleFloatModule(maxPages: number): Uint8Array {
  const [i32, v128] = [0x7f, 0x7b];
  // Each begins with its local variables: none, and eight vectors.
  const functions = [
    [0, ...addBody()],
    [1, VECTORS.length, v128, ...absorbBody()],
  ];
  const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
  const section = (id: number, content: number[]): number[] => [id, ...signed(content.length), ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, 0x60, 4, i32, i32, i32, i32, 0, 0x60, 2, i32, i32, 0]),
    ...section(2, [1, ...name('facet'), ...name('memory'), 2, SHARED, 1, ...signed(maxPages)]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name('add'), 0, 0, ...name('absorb'), 0, 1]),
    ...section(10, [2, ...functions.flatMap((body) => [...signed(body.length), ...body])]),
  ]);
}

/** Of a memory that is shared and has a limit. */
const SHARED = 0x03;
const VECTORS = [0, 1, 2, 3, 4, 5, 6, 7];
const END = 0x0b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const simd = (opcode: number): number[] => [0xfd, ...(opcode < 0x80 ? [opcode] : [(opcode & 0x7f) | 0x80, 1])];
const load = (offset: number): number[] => [...simd(0x00), 4, ...signed(offset)];
const store = (offset: number): number[] => [...simd(0x0b), 4, ...signed(offset)];
const advance = (local: number, by: number): number[] => [...get(local), ...constant(by), 0x6a, ...set(local)];
/** Repeats a body that ends by setting the local that counts the bytes left. */
const loop = (counter: number, body: number[]): number[] => [
  ...[0x03, 0x40, ...body, ...advance(counter, -STRIDE)],
  ...[...get(counter), 0x0d, 0, END],
];

function addBody(): number[] {
  const [target, left, right, bytes, f32x4Add] = [0, 1, 2, 3, 0xe4];
  const sums = [...VECTORS, ...VECTORS.map((vector) => VECTORS.length + vector)].flatMap((vector) => [
    ...[...get(target), ...get(left), ...load(16 * vector), ...get(right), ...load(16 * vector)],
    ...[...simd(f32x4Add), ...store(16 * vector)],
  ]);
  return [...loop(bytes, [...sums, ...[target, left, right].flatMap((at) => advance(at, STRIDE))]), END];
}

function absorbBody(): number[] {
  const [at, bytes, firstLane] = [0, 1, 2];
  const [splat, or, xor, shiftLeft, shiftRight, multiply] = [0x11, 0x50, 0x51, 0xab, 0xad, 0xb5];
  const steps = VECTORS.flatMap((vector) => {
    const lane = firstLane + vector;
    return [
      ...[...get(lane), ...get(at), ...load(16 * vector), ...simd(xor), ...set(lane)],
      ...[...get(lane), ...constant(ROTATION), ...simd(shiftLeft)],
      ...[...get(lane), ...constant(32 - ROTATION), ...simd(shiftRight), ...simd(or)],
      ...[...get(at), ...load(STRIDE / 2 + 16 * vector), ...simd(xor)],
      ...[...constant(PRIME | 0), ...simd(splat), ...simd(multiply), ...set(lane)],
    ];
  });
  return [
    ...VECTORS.flatMap((vector) => [...constant(0), ...load(16 * vector), ...set(firstLane + vector)]),
    ...loop(bytes, [...steps, ...advance(at, STRIDE)]),
    ...VECTORS.flatMap((vector) => [...constant(0), ...get(firstLane + vector), ...store(16 * vector)]),
    END,
  ];
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
