/**
 * What the simulation uses of a coordinator beyond its public interface: the assembly of its decisions, and the types of its
 * surroundings.
 */
export type { Coordinator, Leadership } from './coordinator.js';
export { requireMayPullState, type StateGate } from './grpc/grpc-server.js';
export { JoinSession, type JoinCall, type JoinGate } from './grpc/join-session.js';
export { CandidateLife, type Term } from './leadership/candidate-life.js';
export type { LeaseReading, LeaseStore, StoredLease } from './leadership/lease-store.js';
export type { Ending } from './membership/state.js';
export type { Metrics } from './metrics/metrics.js';
export type { CheckpointIo } from './run/checkpointer.js';
export { readEarlierRun, resumeRecord } from './run/earlier-run.js';
export { assembleRun, type AssemblyFolder, type RunAssembly } from './run/run-assembly.js';
export { endablePlan } from './run/endable-plan.js';
export { changeRecord, takeUpChanges } from './run/recorded-changes.js';
export { runRecord } from './run/run-folder.js';
export { RunKey } from './secrets/run-key.js';
export { createRunLife } from './run/run-life.js';
export type { PublishingBroker } from './shards/publisher.js';
export { createShardSource } from './shards/shard-source.js';
