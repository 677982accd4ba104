// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * Shows that a worker was given a place in a generation: only coordinators of the run can make a seal. What a worker says of
 * itself when it joins (a state, steps, a higher term) is believed as far as its ticket goes.
 */
export interface Ticket {
  'term'?: (number);
  'generation'?: (number);
  'seal'?: (Buffer | Uint8Array | string);
}

/**
 * Shows that a worker was given a place in a generation: only coordinators of the run can make a seal. What a worker says of
 * itself when it joins (a state, steps, a higher term) is believed as far as its ticket goes.
 */
export interface Ticket__Output {
  'term': (number);
  'generation': (number);
  'seal': (Buffer);
}
