// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Order as _facet_v1_Order, Order__Output as _facet_v1_Order__Output } from '../../facet/v1/Order.js';
import type { Proof as _facet_v1_Proof, Proof__Output as _facet_v1_Proof__Output } from '../../facet/v1/Proof.js';

export interface OperateRequest {
  'order'?: (_facet_v1_Order | null);
  'proof'?: (_facet_v1_Proof | null);
  'message'?: "order"|"proof";
}

export interface OperateRequest__Output {
  'order'?: (_facet_v1_Order__Output | null);
  'proof'?: (_facet_v1_Proof__Output | null);
  'message'?: "order"|"proof";
}
