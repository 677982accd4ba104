// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { StopReason as _facet_v1_StopReason, StopReason__Output as _facet_v1_StopReason__Output } from '../../facet/v1/StopReason.js';

export interface Stop {
  'reason'?: (_facet_v1_StopReason);
  'message'?: (string);
}

export interface Stop__Output {
  'reason': (_facet_v1_StopReason__Output);
  'message': (string);
}
