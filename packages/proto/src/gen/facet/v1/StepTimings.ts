// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface StepTimings {
  'totalMs'?: (number | string);
  'shardWaitMs'?: (number | string);
  'computeMs'?: (number | string);
  'allReduceMs'?: (number | string);
  'updateMs'?: (number | string);
}

export interface StepTimings__Output {
  'totalMs': (number);
  'shardWaitMs': (number);
  'computeMs': (number);
  'allReduceMs': (number);
  'updateMs': (number);
}
