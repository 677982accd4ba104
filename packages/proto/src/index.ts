/**
 * The gRPC services of Facet: loaded from proto/ at start, typed by the generated files in gen/.
 */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ChannelOptions } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType as CollectiveProto } from './gen/collective.js';
import type { ProtoGrpcType as CoordinationProto } from './gen/coordination.js';

export type { CoordinationClient, CoordinationHandlers } from './gen/facet/v1/Coordination.js';
export type { ExchangeClient, ExchangeHandlers } from './gen/facet/v1/Exchange.js';
export type { EvaluationDone__Output as EvaluationDone } from './gen/facet/v1/EvaluationDone.js';
export type { Form__Output as Form } from './gen/facet/v1/Form.js';
export type { GetStatusResponse__Output as Status } from './gen/facet/v1/GetStatusResponse.js';
export type { Hello__Output as Hello } from './gen/facet/v1/Hello.js';
export type { JoinRequest, JoinRequest__Output } from './gen/facet/v1/JoinRequest.js';
export type { JoinResponse, JoinResponse__Output } from './gen/facet/v1/JoinResponse.js';
export type { PullRequest__Output as PullRequest } from './gen/facet/v1/PullRequest.js';
export type { PullStateRequest__Output as PullStateRequest } from './gen/facet/v1/PullStateRequest.js';
export type { PullStateResponse, PullStateResponse__Output } from './gen/facet/v1/PullStateResponse.js';
export type { Report__Output as Report } from './gen/facet/v1/Report.js';
export type { StepDone__Output as StepDone } from './gen/facet/v1/StepDone.js';
export type { Welcome__Output as Welcome } from './gen/facet/v1/Welcome.js';

const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

const definition = loadSync(['facet/v1/coordination.proto', 'facet/v1/collective.proto'], {
  includeDirs: [protoFolder],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

const loaded = loadPackageDefinition(definition) as unknown as CoordinationProto & CollectiveProto;

/** Client constructor and service definition of Coordination. */
export const Coordination = loaded.facet.v1.Coordination;

/** Client constructor and service definition of Exchange. */
export const Exchange = loaded.facet.v1.Exchange;

const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * Channel options of every client and server. Messages may be as large as a chunk; the receive window is raised because
 * a default window of 64 KiB limits a pull to a quarter of what the machine can move; a dead host is noticed by keepalive.
 */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': WINDOW_BYTES,
};
