// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface Parameter {
  'name'?: (string);
  'shape'?: (number)[];
}

export interface Parameter__Output {
  'name': (string);
  'shape': (number)[];
}
