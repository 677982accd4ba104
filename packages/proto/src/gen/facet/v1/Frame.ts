// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


/**
 * A documentation of the stream's element; see Pull.
 */
export interface Frame {
  'content'?: (Buffer | Uint8Array | string);
}

/**
 * A documentation of the stream's element; see Pull.
 */
export interface Frame__Output {
  'content': (Buffer);
}
