// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/collective.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Frame as _facet_v1_Frame, Frame__Output as _facet_v1_Frame__Output } from '../../facet/v1/Frame.js';
import type { PullRequest as _facet_v1_PullRequest, PullRequest__Output as _facet_v1_PullRequest__Output } from '../../facet/v1/PullRequest.js';
import type { PullStateRequest as _facet_v1_PullStateRequest, PullStateRequest__Output as _facet_v1_PullStateRequest__Output } from '../../facet/v1/PullStateRequest.js';
import type { PullStateResponse as _facet_v1_PullStateResponse, PullStateResponse__Output as _facet_v1_PullStateResponse__Output } from '../../facet/v1/PullStateResponse.js';

/**
 * Worker <-> worker. Whoever receives is the client and pulls: a Node HTTP/2 server keeps a small receive window, a
 * client's window can be raised, which makes pulling several times faster than pushing.
 */
export interface ExchangeClient extends grpc.Client {
  /**
   * One stream per (puller, peer) for the life of a generation. Every message is one frame, raw bytes as laid out in
   * docs/protocol.md ("Frames"): payload is not wrapped in a protobuf message on the wire. With PAYLOAD_CHANNEL_SOCKET the
   * stream has no messages, and the frames travel on a socket that belongs to it.
   */
  Pull(argument: _facet_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_Frame__Output>;
  Pull(argument: _facet_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_Frame__Output>;
  /**
   * One stream per (puller, peer) for the life of a generation. Every message is one frame, raw bytes as laid out in
   * docs/protocol.md ("Frames"): payload is not wrapped in a protobuf message on the wire. With PAYLOAD_CHANNEL_SOCKET the
   * stream has no messages, and the frames travel on a socket that belongs to it.
   */
  pull(argument: _facet_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_Frame__Output>;
  pull(argument: _facet_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_Frame__Output>;

  /**
   * The training state as it was after a step, as one StateHeader and then the bytes.
   */
  PullState(argument: _facet_v1_PullStateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_PullStateResponse__Output>;
  PullState(argument: _facet_v1_PullStateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_PullStateResponse__Output>;
  /**
   * The training state as it was after a step, as one StateHeader and then the bytes.
   */
  pullState(argument: _facet_v1_PullStateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_PullStateResponse__Output>;
  pullState(argument: _facet_v1_PullStateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_facet_v1_PullStateResponse__Output>;

}

/**
 * Worker <-> worker. Whoever receives is the client and pulls: a Node HTTP/2 server keeps a small receive window, a
 * client's window can be raised, which makes pulling several times faster than pushing.
 */
export interface ExchangeHandlers extends grpc.UntypedServiceImplementation {
  /**
   * One stream per (puller, peer) for the life of a generation. Every message is one frame, raw bytes as laid out in
   * docs/protocol.md ("Frames"): payload is not wrapped in a protobuf message on the wire. With PAYLOAD_CHANNEL_SOCKET the
   * stream has no messages, and the frames travel on a socket that belongs to it.
   */
  Pull: grpc.handleServerStreamingCall<_facet_v1_PullRequest__Output, _facet_v1_Frame>;

  /**
   * The training state as it was after a step, as one StateHeader and then the bytes.
   */
  PullState: grpc.handleServerStreamingCall<_facet_v1_PullStateRequest__Output, _facet_v1_PullStateResponse>;

}

export interface ExchangeDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_facet_v1_PullRequest, _facet_v1_Frame, _facet_v1_PullRequest__Output, _facet_v1_Frame__Output>
  PullState: MethodDefinition<_facet_v1_PullStateRequest, _facet_v1_PullStateResponse, _facet_v1_PullStateRequest__Output, _facet_v1_PullStateResponse__Output>
}
