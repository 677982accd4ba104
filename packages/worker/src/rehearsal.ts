/** For `facet rehearse`: workers that join and report as real ones do, and compute nothing. Nothing here loads an engine. */
export type { CoordinatorStream } from './coordinator-stream.js';
export type { WorkerOutcome } from './membership.js';
export { openIdleCrew, type IdleCrew, type IdleCrewEvents } from './rehearsal/idle-crew.js';
export type { Meeting, MeetingPlace } from './rehearsal/idle-generation.js';
