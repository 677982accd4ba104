// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Hello as _facet_v1_Hello, Hello__Output as _facet_v1_Hello__Output } from '../../facet/v1/Hello.js';
import type { Ready as _facet_v1_Ready, Ready__Output as _facet_v1_Ready__Output } from '../../facet/v1/Ready.js';
import type { Formed as _facet_v1_Formed, Formed__Output as _facet_v1_Formed__Output } from '../../facet/v1/Formed.js';
import type { StepDone as _facet_v1_StepDone, StepDone__Output as _facet_v1_StepDone__Output } from '../../facet/v1/StepDone.js';
import type { EvaluationDone as _facet_v1_EvaluationDone, EvaluationDone__Output as _facet_v1_EvaluationDone__Output } from '../../facet/v1/EvaluationDone.js';
import type { Report as _facet_v1_Report, Report__Output as _facet_v1_Report__Output } from '../../facet/v1/Report.js';
import type { Fault as _facet_v1_Fault, Fault__Output as _facet_v1_Fault__Output } from '../../facet/v1/Fault.js';
import type { Heartbeat as _facet_v1_Heartbeat, Heartbeat__Output as _facet_v1_Heartbeat__Output } from '../../facet/v1/Heartbeat.js';
import type { Leave as _facet_v1_Leave, Leave__Output as _facet_v1_Leave__Output } from '../../facet/v1/Leave.js';
import type { Proof as _facet_v1_Proof, Proof__Output as _facet_v1_Proof__Output } from '../../facet/v1/Proof.js';

export interface JoinRequest {
  'hello'?: (_facet_v1_Hello | null);
  'ready'?: (_facet_v1_Ready | null);
  'formed'?: (_facet_v1_Formed | null);
  'stepDone'?: (_facet_v1_StepDone | null);
  'evaluationDone'?: (_facet_v1_EvaluationDone | null);
  'report'?: (_facet_v1_Report | null);
  'fault'?: (_facet_v1_Fault | null);
  'heartbeat'?: (_facet_v1_Heartbeat | null);
  'leave'?: (_facet_v1_Leave | null);
  'proof'?: (_facet_v1_Proof | null);
  'message'?: "hello"|"ready"|"formed"|"stepDone"|"evaluationDone"|"report"|"fault"|"heartbeat"|"leave"|"proof";
}

export interface JoinRequest__Output {
  'hello'?: (_facet_v1_Hello__Output | null);
  'ready'?: (_facet_v1_Ready__Output | null);
  'formed'?: (_facet_v1_Formed__Output | null);
  'stepDone'?: (_facet_v1_StepDone__Output | null);
  'evaluationDone'?: (_facet_v1_EvaluationDone__Output | null);
  'report'?: (_facet_v1_Report__Output | null);
  'fault'?: (_facet_v1_Fault__Output | null);
  'heartbeat'?: (_facet_v1_Heartbeat__Output | null);
  'leave'?: (_facet_v1_Leave__Output | null);
  'proof'?: (_facet_v1_Proof__Output | null);
  'message'?: "hello"|"ready"|"formed"|"stepDone"|"evaluationDone"|"report"|"fault"|"heartbeat"|"leave"|"proof";
}
