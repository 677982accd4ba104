// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Welcome as _facet_v1_Welcome, Welcome__Output as _facet_v1_Welcome__Output } from '../../facet/v1/Welcome.js';
import type { Refusal as _facet_v1_Refusal, Refusal__Output as _facet_v1_Refusal__Output } from '../../facet/v1/Refusal.js';
import type { Form as _facet_v1_Form, Form__Output as _facet_v1_Form__Output } from '../../facet/v1/Form.js';
import type { Start as _facet_v1_Start, Start__Output as _facet_v1_Start__Output } from '../../facet/v1/Start.js';
import type { Regroup as _facet_v1_Regroup, Regroup__Output as _facet_v1_Regroup__Output } from '../../facet/v1/Regroup.js';
import type { Stop as _facet_v1_Stop, Stop__Output as _facet_v1_Stop__Output } from '../../facet/v1/Stop.js';
import type { Drain as _facet_v1_Drain, Drain__Output as _facet_v1_Drain__Output } from '../../facet/v1/Drain.js';
import type { Challenge as _facet_v1_Challenge, Challenge__Output as _facet_v1_Challenge__Output } from '../../facet/v1/Challenge.js';
import type { KeepState as _facet_v1_KeepState, KeepState__Output as _facet_v1_KeepState__Output } from '../../facet/v1/KeepState.js';

export interface JoinResponse {
  'welcome'?: (_facet_v1_Welcome | null);
  'refusal'?: (_facet_v1_Refusal | null);
  'form'?: (_facet_v1_Form | null);
  'start'?: (_facet_v1_Start | null);
  'regroup'?: (_facet_v1_Regroup | null);
  'stop'?: (_facet_v1_Stop | null);
  /**
   * The fencing token: how many coordinators have led the run, this one included. A worker that has seen a higher one obeys
   * no lower one.
   */
  'term'?: (number);
  'drain'?: (_facet_v1_Drain | null);
  'challenge'?: (_facet_v1_Challenge | null);
  'keepState'?: (_facet_v1_KeepState | null);
  'message'?: "welcome"|"refusal"|"form"|"start"|"regroup"|"stop"|"drain"|"challenge"|"keepState";
}

export interface JoinResponse__Output {
  'welcome'?: (_facet_v1_Welcome__Output | null);
  'refusal'?: (_facet_v1_Refusal__Output | null);
  'form'?: (_facet_v1_Form__Output | null);
  'start'?: (_facet_v1_Start__Output | null);
  'regroup'?: (_facet_v1_Regroup__Output | null);
  'stop'?: (_facet_v1_Stop__Output | null);
  /**
   * The fencing token: how many coordinators have led the run, this one included. A worker that has seen a higher one obeys
   * no lower one.
   */
  'term': (number);
  'drain'?: (_facet_v1_Drain__Output | null);
  'challenge'?: (_facet_v1_Challenge__Output | null);
  'keepState'?: (_facet_v1_KeepState__Output | null);
  'message'?: "welcome"|"refusal"|"form"|"start"|"regroup"|"stop"|"drain"|"challenge"|"keepState";
}
