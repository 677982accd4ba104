// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto


export interface StateHeader {
  'step'?: (number);
  'parameters'?: (number);
  'weightsCrc'?: (number);
}

export interface StateHeader__Output {
  'step': (number);
  'parameters': (number);
  'weightsCrc': (number);
}
