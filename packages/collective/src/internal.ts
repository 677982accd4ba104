/** What tests, benches and the simulation use of the all-reduce beyond its public interface. */
export { createAllReduce } from './all-reduce.js';
export { addFloats, checksum } from './float-kernels.js';
export { ORDINARY_MEMORY } from './float-memory.js';
export { bytesOf } from './formats/codec.js';
export { roundInTurns } from './formats/round-in-turns.js';
export { deliver, wholeFrame } from './frame.js';
export type { MeshOptions } from './mesh.js';
export { createRingBuffer } from './ring-buffer.js';
export { fitCosts } from './schedule/cost-model.js';
