// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface PullStateRequest {
  'run'?: (string);
  'step'?: (number);
  /**
   * Shows that the puller was welcomed to the run, or coordinates it.
   */
  'proof'?: (Buffer | Uint8Array | string);
}

export interface PullStateRequest__Output {
  'run': (string);
  'step': (number);
  /**
   * Shows that the puller was welcomed to the run, or coordinates it.
   */
  'proof': (Buffer);
}
