export { runWorker, type WorkerOptions } from './worker.js';
export type { WorkerOutcome } from './membership.js';
