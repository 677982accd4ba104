// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Challenge as _facet_v1_Challenge, Challenge__Output as _facet_v1_Challenge__Output } from '../../facet/v1/Challenge.js';
import type { Refusal as _facet_v1_Refusal, Refusal__Output as _facet_v1_Refusal__Output } from '../../facet/v1/Refusal.js';
import type { OrderDone as _facet_v1_OrderDone, OrderDone__Output as _facet_v1_OrderDone__Output } from '../../facet/v1/OrderDone.js';

export interface OperateResponse {
  'challenge'?: (_facet_v1_Challenge | null);
  'refusal'?: (_facet_v1_Refusal | null);
  'orderDone'?: (_facet_v1_OrderDone | null);
  'message'?: "challenge"|"refusal"|"orderDone";
}

export interface OperateResponse__Output {
  'challenge'?: (_facet_v1_Challenge__Output | null);
  'refusal'?: (_facet_v1_Refusal__Output | null);
  'orderDone'?: (_facet_v1_OrderDone__Output | null);
  'message'?: "challenge"|"refusal"|"orderDone";
}
