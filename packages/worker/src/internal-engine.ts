/**
 * What the benches use of a worker's engine: the engine itself, and the programs of a run. It stands apart
 * from internal.ts because it loads tfjs and onnxruntime. Whoever needs no engine need not wait for them.
 */
export { createCompute } from './engine/compute.js';
export { hostEngine } from './engine/engine-host.js';
export type { BufferSlice } from './engine/engine-protocol.js';
export { captureTrainingProgram, describeTraining } from './engine/micro-batch-program.js';
export { multiViewShape, multiViewTask, type MultiViewShape } from './model/multi-view-task.js';
export { createOrtSession } from './engine/onnxruntime/ort-session.js';
export { openThreadLink } from './engine/onnxruntime/thread-link.js';
