// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetStatusRequest as _facet_v1_GetStatusRequest, GetStatusRequest__Output as _facet_v1_GetStatusRequest__Output } from '../../facet/v1/GetStatusRequest.js';
import type { GetStatusResponse as _facet_v1_GetStatusResponse, GetStatusResponse__Output as _facet_v1_GetStatusResponse__Output } from '../../facet/v1/GetStatusResponse.js';
import type { JoinRequest as _facet_v1_JoinRequest, JoinRequest__Output as _facet_v1_JoinRequest__Output } from '../../facet/v1/JoinRequest.js';
import type { JoinResponse as _facet_v1_JoinResponse, JoinResponse__Output as _facet_v1_JoinResponse__Output } from '../../facet/v1/JoinResponse.js';
import type { OperateRequest as _facet_v1_OperateRequest, OperateRequest__Output as _facet_v1_OperateRequest__Output } from '../../facet/v1/OperateRequest.js';
import type { OperateResponse as _facet_v1_OperateResponse, OperateResponse__Output as _facet_v1_OperateResponse__Output } from '../../facet/v1/OperateResponse.js';

/**
 * Worker <-> coordinator. The worker is the client; one Join stream is one worker's membership, and its end is the
 * worker's end. Steps count committed updates from 1; step 0 is the state before the first. Times are in milliseconds.
 */
export interface CoordinationClient extends grpc.Client {
  /**
   * A picture of the run as it is now.
   */
  GetStatus(argument: _facet_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _facet_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _facet_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _facet_v1_GetStatusRequest, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  /**
   * A picture of the run as it is now.
   */
  getStatus(argument: _facet_v1_GetStatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _facet_v1_GetStatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _facet_v1_GetStatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _facet_v1_GetStatusRequest, callback: grpc.requestCallback<_facet_v1_GetStatusResponse__Output>): grpc.ClientUnaryCall;

  /**
   * Opens with Hello. The coordinator answers Challenge or Refusal, the worker Proof, the coordinator Welcome or Refusal. It ends
   * the stream after a Refusal or a Stop. Neither side uses anything of the other before that one's proof.
   */
  Join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_JoinRequest, _facet_v1_JoinResponse__Output>;
  Join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_JoinRequest, _facet_v1_JoinResponse__Output>;
  /**
   * Opens with Hello. The coordinator answers Challenge or Refusal, the worker Proof, the coordinator Welcome or Refusal. It ends
   * the stream after a Refusal or a Stop. Neither side uses anything of the other before that one's proof.
   */
  join(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_JoinRequest, _facet_v1_JoinResponse__Output>;
  join(options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_JoinRequest, _facet_v1_JoinResponse__Output>;

  /**
   * One order of an operator. The operator says Order, the coordinator Challenge or Refusal, the operator Proof, the coordinator
   * OrderDone or Refusal; then it ends the stream.
   */
  Operate(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_OperateRequest, _facet_v1_OperateResponse__Output>;
  Operate(options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_OperateRequest, _facet_v1_OperateResponse__Output>;
  /**
   * One order of an operator. The operator says Order, the coordinator Challenge or Refusal, the operator Proof, the coordinator
   * OrderDone or Refusal; then it ends the stream.
   */
  operate(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_OperateRequest, _facet_v1_OperateResponse__Output>;
  operate(options?: grpc.CallOptions): grpc.ClientDuplexStream<_facet_v1_OperateRequest, _facet_v1_OperateResponse__Output>;

}

/**
 * Worker <-> coordinator. The worker is the client; one Join stream is one worker's membership, and its end is the
 * worker's end. Steps count committed updates from 1; step 0 is the state before the first. Times are in milliseconds.
 */
export interface CoordinationHandlers extends grpc.UntypedServiceImplementation {
  /**
   * A picture of the run as it is now.
   */
  GetStatus: grpc.handleUnaryCall<_facet_v1_GetStatusRequest__Output, _facet_v1_GetStatusResponse>;

  /**
   * Opens with Hello. The coordinator answers Challenge or Refusal, the worker Proof, the coordinator Welcome or Refusal. It ends
   * the stream after a Refusal or a Stop. Neither side uses anything of the other before that one's proof.
   */
  Join: grpc.handleBidiStreamingCall<_facet_v1_JoinRequest__Output, _facet_v1_JoinResponse>;

  /**
   * One order of an operator. The operator says Order, the coordinator Challenge or Refusal, the operator Proof, the coordinator
   * OrderDone or Refusal; then it ends the stream.
   */
  Operate: grpc.handleBidiStreamingCall<_facet_v1_OperateRequest__Output, _facet_v1_OperateResponse>;

}

export interface CoordinationDefinition extends grpc.ServiceDefinition {
  GetStatus: MethodDefinition<_facet_v1_GetStatusRequest, _facet_v1_GetStatusResponse, _facet_v1_GetStatusRequest__Output, _facet_v1_GetStatusResponse__Output>
  Join: MethodDefinition<_facet_v1_JoinRequest, _facet_v1_JoinResponse, _facet_v1_JoinRequest__Output, _facet_v1_JoinResponse__Output>
  Operate: MethodDefinition<_facet_v1_OperateRequest, _facet_v1_OperateResponse, _facet_v1_OperateRequest__Output, _facet_v1_OperateResponse__Output>
}
