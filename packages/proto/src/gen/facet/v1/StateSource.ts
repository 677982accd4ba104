// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

/**
 * Where a worker gets the state that the generation starts from.
 */
export const StateSource = {
  STATE_SOURCE_UNSPECIFIED: 'STATE_SOURCE_UNSPECIFIED',
  /**
   * Initial weights from the seed.
   */
  STATE_SOURCE_INITIAL: 'STATE_SOURCE_INITIAL',
  /**
   * The worker holds it.
   */
  STATE_SOURCE_KEEP: 'STATE_SOURCE_KEEP',
  /**
   * Pull it from state_address.
   */
  STATE_SOURCE_PULL: 'STATE_SOURCE_PULL',
} as const;

/**
 * Where a worker gets the state that the generation starts from.
 */
export type StateSource =
  | 'STATE_SOURCE_UNSPECIFIED'
  | 0
  /**
   * Initial weights from the seed.
   */
  | 'STATE_SOURCE_INITIAL'
  | 1
  /**
   * The worker holds it.
   */
  | 'STATE_SOURCE_KEEP'
  | 2
  /**
   * Pull it from state_address.
   */
  | 'STATE_SOURCE_PULL'
  | 3

/**
 * Where a worker gets the state that the generation starts from.
 */
export type StateSource__Output = typeof StateSource[keyof typeof StateSource]
