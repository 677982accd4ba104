// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * Every worker of the generation is formed: begin.
 */
export interface Start {
  'generation'?: (number);
}

/**
 * Every worker of the generation is formed: begin.
 */
export interface Start__Output {
  'generation': (number);
}
