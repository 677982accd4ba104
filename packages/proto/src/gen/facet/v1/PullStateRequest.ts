// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface PullStateRequest {
  'run'?: (string);
  'step'?: (number);
}

export interface PullStateRequest__Output {
  'run': (string);
  'step': (number);
}
