// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Parameter as _facet_v1_Parameter, Parameter__Output as _facet_v1_Parameter__Output } from '../../facet/v1/Parameter.js';
import type { Report as _facet_v1_Report, Report__Output as _facet_v1_Report__Output } from '../../facet/v1/Report.js';

/**
 * The worker's engine runs. has_state tells whether applied_step and weights_crc mean anything.
 */
export interface Ready {
  /**
   * SHA-256 of the training program; workers whose programs differ must not train together.
   */
  'programSha256'?: (string);
  'parameters'?: (_facet_v1_Parameter)[];
  'engine'?: (string);
  'device'?: (string);
  'threads'?: (number);
  'state'?: (_facet_v1_Report | null);
}

/**
 * The worker's engine runs. has_state tells whether applied_step and weights_crc mean anything.
 */
export interface Ready__Output {
  /**
   * SHA-256 of the training program; workers whose programs differ must not train together.
   */
  'programSha256': (string);
  'parameters': (_facet_v1_Parameter__Output)[];
  'engine': (string);
  'device': (string);
  'threads': (number);
  'state': (_facet_v1_Report__Output | null);
}
