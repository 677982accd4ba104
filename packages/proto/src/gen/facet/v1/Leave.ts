// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The worker wants to go. It trains on until the coordinator, which lets its generation drain, ends the stream.
 */
export interface Leave {
  'reason'?: (string);
}

/**
 * The worker wants to go. It trains on until the coordinator, which lets its generation drain, ends the stream.
 */
export interface Leave__Output {
  'reason': (string);
}
