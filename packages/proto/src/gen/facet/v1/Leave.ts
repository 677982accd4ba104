// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The worker wants to go: the coordinator regroups without it.
 */
export interface Leave {
  'reason'?: (string);
}

/**
 * The worker wants to go: the coordinator regroups without it.
 */
export interface Leave__Output {
  'reason': (string);
}
