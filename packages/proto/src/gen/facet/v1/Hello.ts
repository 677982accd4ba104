// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { Ticket as _facet_v1_Ticket, Ticket__Output as _facet_v1_Ticket__Output } from '../../facet/v1/Ticket.js';

/**
 * First message of a worker. A worker whose code_version or config_version differs is refused.
 */
export interface Hello {
  'workerId'?: (string);
  'codeVersion'?: (string);
  'configVersion'?: (number);
  'host'?: (string);
  'pid'?: (number);
  /**
   * host:port of the worker's Exchange service.
   */
  'exchangeAddress'?: (string);
  /**
   * URL of the worker's /metrics, or empty.
   */
  'metricsUrl'?: (string);
  'cores'?: (number);
  /**
   * The highest term that the worker has seen; 0 when it has seen none.
   */
  'term'?: (number);
  /**
   * The run that the worker belongs to since its first Welcome, as that said; empty before. Another run refuses it.
   */
  'run'?: (string);
  'runId'?: (string);
  /**
   * Of the last generation that the worker was a member of; absent when it was in none.
   */
  'ticket'?: (_facet_v1_Ticket | null);
  /**
   * 32 random bytes, for the proofs of both sides.
   */
  'nonce'?: (Buffer | Uint8Array | string);
}

/**
 * First message of a worker. A worker whose code_version or config_version differs is refused.
 */
export interface Hello__Output {
  'workerId': (string);
  'codeVersion': (string);
  'configVersion': (number);
  'host': (string);
  'pid': (number);
  /**
   * host:port of the worker's Exchange service.
   */
  'exchangeAddress': (string);
  /**
   * URL of the worker's /metrics, or empty.
   */
  'metricsUrl': (string);
  'cores': (number);
  /**
   * The highest term that the worker has seen; 0 when it has seen none.
   */
  'term': (number);
  /**
   * The run that the worker belongs to since its first Welcome, as that said; empty before. Another run refuses it.
   */
  'run': (string);
  'runId': (string);
  /**
   * Of the last generation that the worker was a member of; absent when it was in none.
   */
  'ticket': (_facet_v1_Ticket__Output | null);
  /**
   * 32 random bytes, for the proofs of both sides.
   */
  'nonce': (Buffer);
}
