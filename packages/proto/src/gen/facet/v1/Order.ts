// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { OrderKind as _facet_v1_OrderKind, OrderKind__Output as _facet_v1_OrderKind__Output } from '../../facet/v1/OrderKind.js';

export interface Order {
  'kind'?: (_facet_v1_OrderKind);
  /**
   * The worker that is to be drained; empty otherwise.
   */
  'workerId'?: (string);
  'reason'?: (string);
  /**
   * 32 random bytes, for the proofs of both sides.
   */
  'nonce'?: (Buffer | Uint8Array | string);
}

export interface Order__Output {
  'kind': (_facet_v1_OrderKind__Output);
  /**
   * The worker that is to be drained; empty otherwise.
   */
  'workerId': (string);
  'reason': (string);
  /**
   * 32 random bytes, for the proofs of both sides.
   */
  'nonce': (Buffer);
}
