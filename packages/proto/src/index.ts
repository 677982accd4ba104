/**
 * The gRPC services of Facet, typed by the generated files in gen/, and the transfer of a training state.
 */
export { callPeer, type CallWithPeer } from './call-peer.js';
export { channelTo, type ChannelTarget } from './channel.js';
export { CHANNEL_OPTIONS, serverOptions } from './channel-options.js';
export {
  coordinatorLimits,
  createConnectionGate,
  type ConnectionGate,
  type ConnectionLimits,
} from './connection-gate.js';
export { createInflowLimit, inflowOf } from './inflow-limit.js';
export type { Challenge__Output } from './gen/facet/v1/Challenge.js';
export type { CoordinationClient, CoordinationHandlers } from './gen/facet/v1/Coordination.js';
export type { ExchangeClient, ExchangeHandlers } from './gen/facet/v1/Exchange.js';
export type { EvaluationDone__Output as EvaluationDone } from './gen/facet/v1/EvaluationDone.js';
export type { Form__Output as Form } from './gen/facet/v1/Form.js';
export type { GetStatusResponse__Output as Status } from './gen/facet/v1/GetStatusResponse.js';
export type { Hello__Output as Hello } from './gen/facet/v1/Hello.js';
export type { OperateRequest, OperateRequest__Output } from './gen/facet/v1/OperateRequest.js';
export type { OperateResponse, OperateResponse__Output } from './gen/facet/v1/OperateResponse.js';
export type { Order__Output as Order } from './gen/facet/v1/Order.js';
export type { JoinRequest, JoinRequest__Output } from './gen/facet/v1/JoinRequest.js';
export type { JoinResponse, JoinResponse__Output } from './gen/facet/v1/JoinResponse.js';
export type { PullRequest__Output as PullRequest } from './gen/facet/v1/PullRequest.js';
export type { PullStateRequest__Output as PullStateRequest } from './gen/facet/v1/PullStateRequest.js';
export type { PullStateResponse, PullStateResponse__Output } from './gen/facet/v1/PullStateResponse.js';
export type { Report__Output as Report } from './gen/facet/v1/Report.js';
export type { StepDone__Output as StepDone } from './gen/facet/v1/StepDone.js';
export type { StepTimings__Output as StepTimings } from './gen/facet/v1/StepTimings.js';
export type { Ticket__Output as Ticket } from './gen/facet/v1/Ticket.js';
export type { Welcome__Output as Welcome } from './gen/facet/v1/Welcome.js';
export { Coordination, Exchange } from './services.js';
export { pullState, requireExpected, type ExpectedState, type PullStateOptions } from './state/pull-state.js';
export { createStateService } from './state/serve-state.js';
export { createStateReader, stateMessages, type StateShape } from './state/state-stream.js';
