// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto

import type { StateHeader as _facet_v1_StateHeader, StateHeader__Output as _facet_v1_StateHeader__Output } from '../../facet/v1/StateHeader.js';

export interface PullStateResponse {
  'header'?: (_facet_v1_StateHeader | null);
  /**
   * Little-endian float32, `parameters` elements each: weights, first moments, second moments, and the average of the
   * weights when the run keeps one (optimizer.emaDecay above 0).
   */
  'chunk'?: (Buffer | Uint8Array | string);
  'message'?: "header"|"chunk";
}

export interface PullStateResponse__Output {
  'header'?: (_facet_v1_StateHeader__Output | null);
  /**
   * Little-endian float32, `parameters` elements each: weights, first moments, second moments, and the average of the
   * weights when the run keeps one (optimizer.emaDecay above 0).
   */
  'chunk'?: (Buffer);
  'message'?: "header"|"chunk";
}
