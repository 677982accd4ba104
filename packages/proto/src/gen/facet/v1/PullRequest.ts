// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface PullRequest {
  'run'?: (string);
  'generation'?: (number);
  'rank'?: (number);
}

export interface PullRequest__Output {
  'run': (string);
  'generation': (number);
  'rank': (number);
}
