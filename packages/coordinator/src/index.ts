export { startCandidate, type Candidate, type CandidateOptions } from './leadership/candidate.js';
export { brokerKeyOf, createBrokerKey, type BrokerKey } from './nats/broker-key.js';
export type { RunResult, StoredResult } from './run/result.js';
