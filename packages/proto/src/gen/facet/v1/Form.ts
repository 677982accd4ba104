// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { WorkKind as _facet_v1_WorkKind, WorkKind__Output as _facet_v1_WorkKind__Output } from '../../facet/v1/WorkKind.js';
import type { StateSource as _facet_v1_StateSource, StateSource__Output as _facet_v1_StateSource__Output } from '../../facet/v1/StateSource.js';
import type { Ticket as _facet_v1_Ticket, Ticket__Output as _facet_v1_Ticket__Output } from '../../facet/v1/Ticket.js';

/**
 * A new generation. The worker gets the state, opens its streams to its peers, and answers Formed.
 */
export interface Form {
  'generation'?: (number);
  'rank'?: (number);
  /**
   * The first piece of work: training step `step`, or the evaluation that follows step `step`.
   */
  'kind'?: (_facet_v1_WorkKind);
  'step'?: (number);
  'stateSource'?: (_facet_v1_StateSource);
  'stateAddress'?: (string);
  'stateStep'?: (number);
  'stateWeightsCrc'?: (number);
  /**
   * Micro-batches of a full step for each rank, in rank order; none: the same for every rank, as far as can be.
   */
  'shares'?: (number)[];
  /**
   * The worker's own.
   */
  'ticket'?: (_facet_v1_Ticket | null);
  /**
   * As committed; 0 when the ledger, of an earlier version, does not say.
   */
  'stateMomentsCrc'?: (number);
  /**
   * Key of the shards of this rank in this generation, under the key of the stream.
   */
  'sealedShardKey'?: (Buffer | Uint8Array | string);
  /**
   * What the worker shows to those that it pulls frames and the state from, under the key of the stream.
   */
  'sealedPasses'?: (Buffer | Uint8Array | string);
  /**
   * The members in rank order: a JSON list of [worker_id, exchange_address], deflated (RFC 1951). The same bytes for every member.
   */
  'peerList'?: (Buffer | Uint8Array | string);
}

/**
 * A new generation. The worker gets the state, opens its streams to its peers, and answers Formed.
 */
export interface Form__Output {
  'generation': (number);
  'rank': (number);
  /**
   * The first piece of work: training step `step`, or the evaluation that follows step `step`.
   */
  'kind': (_facet_v1_WorkKind__Output);
  'step': (number);
  'stateSource': (_facet_v1_StateSource__Output);
  'stateAddress': (string);
  'stateStep': (number);
  'stateWeightsCrc': (number);
  /**
   * Micro-batches of a full step for each rank, in rank order; none: the same for every rank, as far as can be.
   */
  'shares': (number)[];
  /**
   * The worker's own.
   */
  'ticket': (_facet_v1_Ticket__Output | null);
  /**
   * As committed; 0 when the ledger, of an earlier version, does not say.
   */
  'stateMomentsCrc': (number);
  /**
   * Key of the shards of this rank in this generation, under the key of the stream.
   */
  'sealedShardKey': (Buffer);
  /**
   * What the worker shows to those that it pulls frames and the state from, under the key of the stream.
   */
  'sealedPasses': (Buffer);
  /**
   * The members in rank order: a JSON list of [worker_id, exchange_address], deflated (RFC 1951). The same bytes for every member.
   */
  'peerList': (Buffer);
}
