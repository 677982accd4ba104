/**
 * What the simulation and the benches use of a worker beyond its public interface: its membership and the types of its
 * surroundings, and the update. Nothing here loads an engine; see internal-engine.ts.
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
