// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

export const OrderKind = {
  ORDER_KIND_UNSPECIFIED: 'ORDER_KIND_UNSPECIFIED',
  /**
   * Ends the run with a checkpoint.
   */
  ORDER_KIND_STOP: 'ORDER_KIND_STOP',
  /**
   * Lets a worker go, without a fault.
   */
  ORDER_KIND_DRAIN: 'ORDER_KIND_DRAIN',
  /**
   * Takes a checkpoint now.
   */
  ORDER_KIND_CHECKPOINT: 'ORDER_KIND_CHECKPOINT',
} as const;

export type OrderKind =
  | 'ORDER_KIND_UNSPECIFIED'
  | 0
  /**
   * Ends the run with a checkpoint.
   */
  | 'ORDER_KIND_STOP'
  | 1
  /**
   * Lets a worker go, without a fault.
   */
  | 'ORDER_KIND_DRAIN'
  | 2
  /**
   * Takes a checkpoint now.
   */
  | 'ORDER_KIND_CHECKPOINT'
  | 3

export type OrderKind__Output = typeof OrderKind[keyof typeof OrderKind]
