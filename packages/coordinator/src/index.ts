export { startCandidate, type Candidate, type CandidateOptions } from './leadership/candidate.js';
export type { RunResult, StoredResult } from './run/result.js';
