// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto

/**
 * Where the frames of a pull travel.
 */
export const PayloadChannel = {
  /**
   * As PAYLOAD_CHANNEL_STREAM.
   */
  PAYLOAD_CHANNEL_UNSPECIFIED: 'PAYLOAD_CHANNEL_UNSPECIFIED',
  /**
   * In the stream's messages.
   */
  PAYLOAD_CHANNEL_STREAM: 'PAYLOAD_CHANNEL_STREAM',
  /**
   * On a socket beside the stream, which the puller opens with the token in the stream's initial metadata (docs/protocol.md).
   * The stream stays open, without messages: its end is the end of the pull.
   */
  PAYLOAD_CHANNEL_SOCKET: 'PAYLOAD_CHANNEL_SOCKET',
} as const;

/**
 * Where the frames of a pull travel.
 */
export type PayloadChannel =
  /**
   * As PAYLOAD_CHANNEL_STREAM.
   */
  | 'PAYLOAD_CHANNEL_UNSPECIFIED'
  | 0
  /**
   * In the stream's messages.
   */
  | 'PAYLOAD_CHANNEL_STREAM'
  | 1
  /**
   * On a socket beside the stream, which the puller opens with the token in the stream's initial metadata (docs/protocol.md).
   * The stream stays open, without messages: its end is the end of the pull.
   */
  | 'PAYLOAD_CHANNEL_SOCKET'
  | 2

/**
 * Where the frames of a pull travel.
 */
export type PayloadChannel__Output = typeof PayloadChannel[keyof typeof PayloadChannel]
