/**
 * Memory in which the kernels of float-kernels.ts work in place, without copying values into scratch memory first. A worker has
 * one for the life of its process, and every generation allocates from its start again. So nothing is left to the garbage
 * collector.
 */
import { assembleFloatModule, LANES, STRIDE, type FloatFunctions } from './float-module.js';

export interface FloatMemory {
  /** Allocates elements, not zeroed, valid until `reset`. If this memory is used up, it returns ordinary memory. */
  readonly allocate: (length: number) => Float32Array;
  /** Everything that was allocated is free again. */
  readonly reset: () => void;
}

/** Memory that the garbage collector keeps; the kernels copy out of it and into it. */
export const ORDINARY_MEMORY: FloatMemory = {
  allocate: (length) => new Float32Array(length),
  reset: () => undefined,
};

/** The functions of the module and the memory that they work in. */
export interface Kernels extends FloatFunctions {
  readonly scratch: Scratch;
}

/** The start of every such memory: the state of a checksum, and two blocks of scratch that fit the cache. */
export interface Scratch {
  readonly state: Uint32Array;
  readonly left: Float32Array;
  readonly right: Float32Array;
}

export const BLOCK_BYTES = 32 * 1024;
const LEFT = STRIDE;
const RIGHT = LEFT + BLOCK_BYTES;
const SCRATCH_BYTES = RIGHT + BLOCK_BYTES;
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object, imports: object) => { exports: unknown };
    Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  };
};

const module = new WebAssembly.Module(assembleFloatModule(MAX_PAGES));
/** The owner of each buffer. A memory that grows gets a new buffer every time. */
const owners = new WeakMap<object, Kernels>();

/** The kernels that reach these values where they are, if there are any. */
export function kernelsAt(values: { readonly buffer: object }): Kernels | undefined {
  return owners.get(values.buffer);
}

export function createFloatMemory(): FloatMemory {
  const { memory, kernels } = createKernels();
  let used = SCRATCH_BYTES;
  return {
    allocate(length) {
      const start = used;
      const end = start + padded(length * Float32Array.BYTES_PER_ELEMENT);
      const missing = end - memory.buffer.byteLength;
      if (missing > 0) {
        try {
          memory.grow(Math.ceil(missing / PAGE_BYTES));
        } catch {
          return ORDINARY_MEMORY.allocate(length);
        }
      }
      // V8 makes a new buffer of every shared memory whenever one of them grows.
      owners.set(memory.buffer, kernels);
      used = end;
      return new Float32Array(memory.buffer, start, length);
    },
    reset() {
      used = SCRATCH_BYTES;
    },
  };
}

/** Kernels with a memory of their own, which has nothing but scratch. */
export function createKernels(): { readonly memory: WasmMemory; readonly kernels: Kernels } {
  // Shared, because the buffer of one that is not is lost when the memory grows; nobody shares it.
  const initial = Math.ceil(SCRATCH_BYTES / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial, maximum: MAX_PAGES, shared: true });
  const { buffer } = memory;
  const functions = new WebAssembly.Instance(module, { facet: { memory } }).exports as FloatFunctions;
  const elements = BLOCK_BYTES / Float32Array.BYTES_PER_ELEMENT;
  const kernels: Kernels = {
    ...functions,
    scratch: {
      state: new Uint32Array(buffer, 0, LANES),
      left: new Float32Array(buffer, LEFT, elements),
      right: new Float32Array(buffer, RIGHT, elements),
    },
  };
  owners.set(buffer, kernels);
  return { memory, kernels };
}

/** The next multiple of what the kernels take in one pass. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / STRIDE) * STRIDE;
}
