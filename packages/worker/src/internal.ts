/**
 * For the simulation and the benches, which put a worker together from its parts: its membership, what surrounds a membership,
 * its data and its state. Nobody else needs them, so they are no part of the public interface. Nothing
 * here loads an engine.
 */
export { createCoordinatorSearch } from './coordinator-search.js';
export { coordinatorStreamOf, type CoordinatorStream } from './coordinator-stream.js';
export type { ShardFeed } from './data/shard-source.js';
export { createMembership, type Membership, type WorkerOutcome } from './membership.js';
export { joinGeneration, type WorkerResources } from './membership-generation.js';
export { allocateTrainingState, markApplied } from './train/training-state.js';
export type { WorkerNetwork } from './worker-network.js';
