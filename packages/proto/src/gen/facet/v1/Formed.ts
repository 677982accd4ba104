// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface Formed {
  'generation'?: (number);
  'appliedStep'?: (number);
  'weightsCrc'?: (number);
}

export interface Formed__Output {
  'generation': (number);
  'appliedStep': (number);
  'weightsCrc': (number);
}
