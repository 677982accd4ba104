/**
 * For the simulation and the benches, which put a worker together from its parts: its membership, what surrounds a membership,
 * its data and its state. Nobody else needs them, so they are no part of the public interface. Nothing here loads an engine; see
 * internal-engine.ts.
 */
export { createCoordinatorSearch } from './coordinator-search.js';
export { coordinatorStreamOf, type CoordinatorStream } from './coordinator-stream.js';
export { drawAuxiliary } from './data/auxiliary-draws.js';
export { allocateMicroBatch, fillMicroBatch } from './data/micro-batch.js';
export type { ShardFeed } from './data/shard-source.js';
export type { Compute, EvaluationSlot, TrainingSlot } from './engine/compute.js';
export { createMembership, type Membership, type WorkerOutcome } from './membership.js';
export type { WorkerResources } from './membership-generation.js';
export { allocateTrainingState, markApplied } from './train/training-state.js';
export type { WorkerNetwork } from './worker-network.js';
