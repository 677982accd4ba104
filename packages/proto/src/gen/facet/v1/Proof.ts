// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * The worker's answer to a Challenge.
 */
export interface Proof {
  'proof'?: (Buffer | Uint8Array | string);
  /**
   * Shows that this is the process of an earlier stream, which this one then replaces; empty on a process's first stream.
   */
  'previousProof'?: (Buffer | Uint8Array | string);
}

/**
 * The worker's answer to a Challenge.
 */
export interface Proof__Output {
  'proof': (Buffer);
  /**
   * Shows that this is the process of an earlier stream, which this one then replaces; empty on a process's first stream.
   */
  'previousProof': (Buffer);
}
