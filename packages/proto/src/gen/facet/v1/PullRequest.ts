// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto

import type { PayloadChannel as _facet_v1_PayloadChannel, PayloadChannel__Output as _facet_v1_PayloadChannel__Output } from '../../facet/v1/PayloadChannel.js';

export interface PullRequest {
  'run'?: (string);
  'generation'?: (number);
  'rank'?: (number);
  'payload'?: (_facet_v1_PayloadChannel);
  /**
   * Shows that the puller has this rank in this generation (docs/protocol.md, "Passes").
   */
  'proof'?: (Buffer | Uint8Array | string);
}

export interface PullRequest__Output {
  'run': (string);
  'generation': (number);
  'rank': (number);
  'payload': (_facet_v1_PayloadChannel__Output);
  /**
   * Shows that the puller has this rank in this generation (docs/protocol.md, "Passes").
   */
  'proof': (Buffer);
}
