// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { StepTimings as _facet_v1_StepTimings, StepTimings__Output as _facet_v1_StepTimings__Output } from '../../facet/v1/StepTimings.js';
import type { Long } from '@grpc/proto-loader';

export interface StepDone {
  'generation'?: (number);
  'step'?: (number);
  /**
   * CRC-32 of the flat little-endian weights after the step, then of their average when the run keeps one.
   */
  'weightsCrc'?: (number);
  /**
   * Mean loss over the real samples of the step.
   */
  'loss'?: (number | string);
  /**
   * Reduced together with the gradient: how many samples are in it, and the sum of their check digits.
   */
  'sampleCount'?: (number);
  'sampleChecksum'?: (number);
  'gradientNorm'?: (number | string);
  'learningRate'?: (number | string);
  'timings'?: (_facet_v1_StepTimings | null);
  'bytesSent'?: (number | string | Long);
  'bytesReceived'?: (number | string | Long);
  'localSamples'?: (number);
  /**
   * CRC-32 of the first moments, then of the second.
   */
  'momentsCrc'?: (number);
  /**
   * The task's sums over the samples of the step; `correct` counts right answers.
   */
  'metrics'?: ({[key: string]: number | string});
  /**
   * Of this worker's own samples, before anything is reduced: the norms of the sums that it contributes, over local_samples, and
   * the mean loss. Members whose figures lie far from the others' are reported.
   */
  'localGradientNorm'?: (number | string);
  'localLoss'?: (number | string);
}

export interface StepDone__Output {
  'generation': (number);
  'step': (number);
  /**
   * CRC-32 of the flat little-endian weights after the step, then of their average when the run keeps one.
   */
  'weightsCrc': (number);
  /**
   * Mean loss over the real samples of the step.
   */
  'loss': (number);
  /**
   * Reduced together with the gradient: how many samples are in it, and the sum of their check digits.
   */
  'sampleCount': (number);
  'sampleChecksum': (number);
  'gradientNorm': (number);
  'learningRate': (number);
  'timings': (_facet_v1_StepTimings__Output | null);
  'bytesSent': (number);
  'bytesReceived': (number);
  'localSamples': (number);
  /**
   * CRC-32 of the first moments, then of the second.
   */
  'momentsCrc': (number);
  /**
   * The task's sums over the samples of the step; `correct` counts right answers.
   */
  'metrics': ({[key: string]: number});
  /**
   * Of this worker's own samples, before anything is reduced: the norms of the sums that it contributes, over local_samples, and
   * the mean loss. Members whose figures lie far from the others' are reported.
   */
  'localGradientNorm': (number);
  'localLoss': (number);
}
