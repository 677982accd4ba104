// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface Fault {
  'generation'?: (number);
  'step'?: (number);
  'code'?: (string);
  'message'?: (string);
  /**
   * worker_id of the peer that the fault is about, or empty.
   */
  'peerWorkerId'?: (string);
}

export interface Fault__Output {
  'generation': (number);
  'step': (number);
  'code': (string);
  'message': (string);
  /**
   * worker_id of the peer that the fault is about, or empty.
   */
  'peerWorkerId': (string);
}
