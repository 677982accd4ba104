// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

export const StopReason = {
  STOP_REASON_UNSPECIFIED: 'STOP_REASON_UNSPECIFIED',
  STOP_REASON_FINISHED: 'STOP_REASON_FINISHED',
  STOP_REASON_STOPPED: 'STOP_REASON_STOPPED',
  STOP_REASON_FAILED: 'STOP_REASON_FAILED',
} as const;

export type StopReason =
  | 'STOP_REASON_UNSPECIFIED'
  | 0
  | 'STOP_REASON_FINISHED'
  | 1
  | 'STOP_REASON_STOPPED'
  | 2
  | 'STOP_REASON_FAILED'
  | 3

export type StopReason__Output = typeof StopReason[keyof typeof StopReason]
