// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface EvaluationPart {
  'index'?: (number);
  'sampleCount'?: (number);
  'lossSum'?: (number | string);
  /**
   * The task's sums, by name.
   */
  'metrics'?: ({[key: string]: number | string});
}

export interface EvaluationPart__Output {
  'index': (number);
  'sampleCount': (number);
  'lossSum': (number);
  /**
   * The task's sums, by name.
   */
  'metrics': ({[key: string]: number});
}
