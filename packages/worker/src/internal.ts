/**
 * What the simulation uses of a worker beyond its public interface: its membership, and the types of its surroundings.
 */
export type { StateSnapshot } from './collective/exchange-server.js';
export { ORDINARY_MEMORY } from './collective/float-memory.js';
export { deliver, wholeFrame } from './collective/frame.js';
export { createCoordinatorSearch } from './coordinator-search.js';
export { coordinatorStreamOf, type CoordinatorStream } from './coordinator-stream.js';
export { allocateMicroBatch } from './data/micro-batch.js';
export type { ShardFeed } from './data/shard-source.js';
export type { Compute, EvaluationSlot, TrainingSlot } from './engine/compute.js';
export { createGradientSum, gradientSumLength, type GradientSum } from './engine/gradient-sum.js';
export { createMembership, type Membership, type WorkerOutcome } from './membership.js';
export type { WorkerResources } from './membership-generation.js';
export { layoutParameters } from './model/parameters.js';
export { allocateTrainingState } from './train/training-state.js';
export type { WorkerNetwork } from './worker-network.js';
