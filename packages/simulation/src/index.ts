export { openCampaign, type Campaign, type CheckedSchedule } from './campaign.js';
export type { Observation } from './simulation.js';
export type { Trace } from './silent-sinks.js';
