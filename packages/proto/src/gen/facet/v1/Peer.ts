// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface Peer {
  'rank'?: (number);
  'workerId'?: (string);
  'exchangeAddress'?: (string);
}

export interface Peer__Output {
  'rank': (number);
  'workerId': (string);
  'exchangeAddress': (string);
}
