// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface SampleField {
  'name'?: (string);
  /**
   * uint8, int32 or float32.
   */
  'type'?: (string);
  'shape'?: (number)[];
}

export interface SampleField__Output {
  'name': (string);
  /**
   * uint8, int32 or float32.
   */
  'type': (string);
  'shape': (number)[];
}
