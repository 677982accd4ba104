/**
 * What the benches use of this package beyond the command: a broker of their own, and an address that survives a restart.
 */
export { findBroker } from './broker/find-broker.js';
export { startBroker } from './launch/broker-process.js';
export { freePort } from './launch/free-port.js';
export { randomLogins } from './broker/broker-users.js';
