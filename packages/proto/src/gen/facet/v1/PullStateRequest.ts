// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface PullStateRequest {
  'run'?: (string);
  'step'?: (number);
  /**
   * Shows that the puller forms this generation from this state, or coordinates the run.
   */
  'proof'?: (Buffer | Uint8Array | string);
  /**
   * Which the puller forms; 0 for a coordinator.
   */
  'generation'?: (number);
}

export interface PullStateRequest__Output {
  'run': (string);
  'step': (number);
  /**
   * Shows that the puller forms this generation from this state, or coordinates the run.
   */
  'proof': (Buffer);
  /**
   * Which the puller forms; 0 for a coordinator.
   */
  'generation': (number);
}
