/**
 * Where answers of the broker come to. Every role of every run has inboxes of its own, so that a broker can keep its users
 * from reading what others are answered: a store answers a coordinator with the run's key.
 */

export type BrokerRole = 'coordinator' | 'worker';

/** The subject below which all inboxes of a role lie. */
export function inboxOf(role: BrokerRole, run: string): string {
  return `_INBOX.facet.${role}.${run}`;
}
