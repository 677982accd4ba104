/**
 * What the benches use of this package beyond the command: a broker of their own, an address that survives a restart, and the
 * shapes of what commands print.
 */
export { findBroker } from './broker/find-broker.js';
export { startBroker } from './launch/broker-process.js';
export { freePort } from './launch/free-port.js';
export { randomLogins } from './broker/broker-users.js';
export type { RehearsalReport, RehearsedSize } from './rehearse/rehearsal-report.js';
