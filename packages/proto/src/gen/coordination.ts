// Generated from proto/ by `npm run generate`. Do not edit.
import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Challenge as _facet_v1_Challenge, Challenge__Output as _facet_v1_Challenge__Output } from './facet/v1/Challenge.js';
import type { CoordinationClient as _facet_v1_CoordinationClient, CoordinationDefinition as _facet_v1_CoordinationDefinition } from './facet/v1/Coordination.js';
import type { Drain as _facet_v1_Drain, Drain__Output as _facet_v1_Drain__Output } from './facet/v1/Drain.js';
import type { EvaluationDone as _facet_v1_EvaluationDone, EvaluationDone__Output as _facet_v1_EvaluationDone__Output } from './facet/v1/EvaluationDone.js';
import type { EvaluationPart as _facet_v1_EvaluationPart, EvaluationPart__Output as _facet_v1_EvaluationPart__Output } from './facet/v1/EvaluationPart.js';
import type { Fault as _facet_v1_Fault, Fault__Output as _facet_v1_Fault__Output } from './facet/v1/Fault.js';
import type { Form as _facet_v1_Form, Form__Output as _facet_v1_Form__Output } from './facet/v1/Form.js';
import type { Formed as _facet_v1_Formed, Formed__Output as _facet_v1_Formed__Output } from './facet/v1/Formed.js';
import type { GetStatusRequest as _facet_v1_GetStatusRequest, GetStatusRequest__Output as _facet_v1_GetStatusRequest__Output } from './facet/v1/GetStatusRequest.js';
import type { GetStatusResponse as _facet_v1_GetStatusResponse, GetStatusResponse__Output as _facet_v1_GetStatusResponse__Output } from './facet/v1/GetStatusResponse.js';
import type { Heartbeat as _facet_v1_Heartbeat, Heartbeat__Output as _facet_v1_Heartbeat__Output } from './facet/v1/Heartbeat.js';
import type { Hello as _facet_v1_Hello, Hello__Output as _facet_v1_Hello__Output } from './facet/v1/Hello.js';
import type { JoinRequest as _facet_v1_JoinRequest, JoinRequest__Output as _facet_v1_JoinRequest__Output } from './facet/v1/JoinRequest.js';
import type { JoinResponse as _facet_v1_JoinResponse, JoinResponse__Output as _facet_v1_JoinResponse__Output } from './facet/v1/JoinResponse.js';
import type { KeepState as _facet_v1_KeepState, KeepState__Output as _facet_v1_KeepState__Output } from './facet/v1/KeepState.js';
import type { Leave as _facet_v1_Leave, Leave__Output as _facet_v1_Leave__Output } from './facet/v1/Leave.js';
import type { OperateRequest as _facet_v1_OperateRequest, OperateRequest__Output as _facet_v1_OperateRequest__Output } from './facet/v1/OperateRequest.js';
import type { OperateResponse as _facet_v1_OperateResponse, OperateResponse__Output as _facet_v1_OperateResponse__Output } from './facet/v1/OperateResponse.js';
import type { Order as _facet_v1_Order, Order__Output as _facet_v1_Order__Output } from './facet/v1/Order.js';
import type { OrderDone as _facet_v1_OrderDone, OrderDone__Output as _facet_v1_OrderDone__Output } from './facet/v1/OrderDone.js';
import type { Parameter as _facet_v1_Parameter, Parameter__Output as _facet_v1_Parameter__Output } from './facet/v1/Parameter.js';
import type { Proof as _facet_v1_Proof, Proof__Output as _facet_v1_Proof__Output } from './facet/v1/Proof.js';
import type { Ready as _facet_v1_Ready, Ready__Output as _facet_v1_Ready__Output } from './facet/v1/Ready.js';
import type { Refusal as _facet_v1_Refusal, Refusal__Output as _facet_v1_Refusal__Output } from './facet/v1/Refusal.js';
import type { Regroup as _facet_v1_Regroup, Regroup__Output as _facet_v1_Regroup__Output } from './facet/v1/Regroup.js';
import type { Report as _facet_v1_Report, Report__Output as _facet_v1_Report__Output } from './facet/v1/Report.js';
import type { SampleField as _facet_v1_SampleField, SampleField__Output as _facet_v1_SampleField__Output } from './facet/v1/SampleField.js';
import type { Start as _facet_v1_Start, Start__Output as _facet_v1_Start__Output } from './facet/v1/Start.js';
import type { StepDone as _facet_v1_StepDone, StepDone__Output as _facet_v1_StepDone__Output } from './facet/v1/StepDone.js';
import type { StepTimings as _facet_v1_StepTimings, StepTimings__Output as _facet_v1_StepTimings__Output } from './facet/v1/StepTimings.js';
import type { Stop as _facet_v1_Stop, Stop__Output as _facet_v1_Stop__Output } from './facet/v1/Stop.js';
import type { Ticket as _facet_v1_Ticket, Ticket__Output as _facet_v1_Ticket__Output } from './facet/v1/Ticket.js';
import type { Welcome as _facet_v1_Welcome, Welcome__Output as _facet_v1_Welcome__Output } from './facet/v1/Welcome.js';
import type { WorkerStatus as _facet_v1_WorkerStatus, WorkerStatus__Output as _facet_v1_WorkerStatus__Output } from './facet/v1/WorkerStatus.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  facet: {
    v1: {
      Challenge: MessageTypeDefinition<_facet_v1_Challenge, _facet_v1_Challenge__Output>
      /**
       * Worker <-> coordinator. The worker is the client; one Join stream is one worker's membership, and its end is the
       * worker's end. Steps count committed updates from 1; step 0 is the state before the first. Times are in milliseconds.
       */
      Coordination: SubtypeConstructor<typeof grpc.Client, _facet_v1_CoordinationClient> & { service: _facet_v1_CoordinationDefinition }
      Drain: MessageTypeDefinition<_facet_v1_Drain, _facet_v1_Drain__Output>
      EvaluationDone: MessageTypeDefinition<_facet_v1_EvaluationDone, _facet_v1_EvaluationDone__Output>
      EvaluationPart: MessageTypeDefinition<_facet_v1_EvaluationPart, _facet_v1_EvaluationPart__Output>
      Fault: MessageTypeDefinition<_facet_v1_Fault, _facet_v1_Fault__Output>
      Form: MessageTypeDefinition<_facet_v1_Form, _facet_v1_Form__Output>
      Formed: MessageTypeDefinition<_facet_v1_Formed, _facet_v1_Formed__Output>
      GetStatusRequest: MessageTypeDefinition<_facet_v1_GetStatusRequest, _facet_v1_GetStatusRequest__Output>
      GetStatusResponse: MessageTypeDefinition<_facet_v1_GetStatusResponse, _facet_v1_GetStatusResponse__Output>
      Heartbeat: MessageTypeDefinition<_facet_v1_Heartbeat, _facet_v1_Heartbeat__Output>
      Hello: MessageTypeDefinition<_facet_v1_Hello, _facet_v1_Hello__Output>
      JoinRequest: MessageTypeDefinition<_facet_v1_JoinRequest, _facet_v1_JoinRequest__Output>
      JoinResponse: MessageTypeDefinition<_facet_v1_JoinResponse, _facet_v1_JoinResponse__Output>
      KeepState: MessageTypeDefinition<_facet_v1_KeepState, _facet_v1_KeepState__Output>
      Leave: MessageTypeDefinition<_facet_v1_Leave, _facet_v1_Leave__Output>
      OperateRequest: MessageTypeDefinition<_facet_v1_OperateRequest, _facet_v1_OperateRequest__Output>
      OperateResponse: MessageTypeDefinition<_facet_v1_OperateResponse, _facet_v1_OperateResponse__Output>
      Order: MessageTypeDefinition<_facet_v1_Order, _facet_v1_Order__Output>
      OrderDone: MessageTypeDefinition<_facet_v1_OrderDone, _facet_v1_OrderDone__Output>
      OrderKind: EnumTypeDefinition
      Parameter: MessageTypeDefinition<_facet_v1_Parameter, _facet_v1_Parameter__Output>
      Proof: MessageTypeDefinition<_facet_v1_Proof, _facet_v1_Proof__Output>
      Ready: MessageTypeDefinition<_facet_v1_Ready, _facet_v1_Ready__Output>
      Refusal: MessageTypeDefinition<_facet_v1_Refusal, _facet_v1_Refusal__Output>
      Regroup: MessageTypeDefinition<_facet_v1_Regroup, _facet_v1_Regroup__Output>
      Report: MessageTypeDefinition<_facet_v1_Report, _facet_v1_Report__Output>
      SampleField: MessageTypeDefinition<_facet_v1_SampleField, _facet_v1_SampleField__Output>
      Start: MessageTypeDefinition<_facet_v1_Start, _facet_v1_Start__Output>
      StateSource: EnumTypeDefinition
      StepDone: MessageTypeDefinition<_facet_v1_StepDone, _facet_v1_StepDone__Output>
      StepTimings: MessageTypeDefinition<_facet_v1_StepTimings, _facet_v1_StepTimings__Output>
      Stop: MessageTypeDefinition<_facet_v1_Stop, _facet_v1_Stop__Output>
      StopReason: EnumTypeDefinition
      Ticket: MessageTypeDefinition<_facet_v1_Ticket, _facet_v1_Ticket__Output>
      Welcome: MessageTypeDefinition<_facet_v1_Welcome, _facet_v1_Welcome__Output>
      WorkKind: EnumTypeDefinition
      WorkerStatus: MessageTypeDefinition<_facet_v1_WorkerStatus, _facet_v1_WorkerStatus__Output>
    }
  }
}
