// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The coordinator shows that it has the run's token (docs/protocol.md, "Tokens"), and asks the worker to show the same.
 */
export interface Challenge {
  'run'?: (string);
  'runId'?: (string);
  /**
   * 32 random bytes.
   */
  'nonce'?: (Buffer | Uint8Array | string);
  'proof'?: (Buffer | Uint8Array | string);
}

/**
 * The coordinator shows that it has the run's token (docs/protocol.md, "Tokens"), and asks the worker to show the same.
 */
export interface Challenge__Output {
  'run': (string);
  'runId': (string);
  /**
   * 32 random bytes.
   */
  'nonce': (Buffer);
  'proof': (Buffer);
}
