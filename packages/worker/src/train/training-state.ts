/**
 * What a worker holds of a run: weights and moments in flat buffers that never move (the engine reads them in place), and
 * how many updates they have had.
 */
import { crc32 } from '@facet/shared';
import type { StateSnapshot } from '../collective/exchange-server.js';

export interface TrainingState {
  /** [parameters] each */
  readonly weights: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Undefined until the worker has a state at all. */
  appliedStep: number | undefined;
  weightsCrc: number;
}

/** CRC-32 of the little-endian bytes of flat weights: a cheap name for a state, compared at every commit. */
export function weightsCrc(weights: Float32Array): number {
  return crc32(Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength));
}

/** The moments of a state whose weights live in the engine's buffer. */
export function allocateTrainingState(weights: Float32Array): TrainingState {
  return {
    weights,
    m: new Float32Array(weights.length),
    v: new Float32Array(weights.length),
    appliedStep: undefined,
    weightsCrc: 0,
  };
}

/** Notes that the buffers now hold the state after a step. */
export function markApplied(state: TrainingState, step: number): void {
  state.appliedStep = step;
  state.weightsCrc = weightsCrc(state.weights);
}

/** A copy of the state, for a checkpoint that is pulled while training goes on. */
export function copyState(state: TrainingState): StateSnapshot {
  return {
    step: state.appliedStep ?? 0,
    weightsCrc: state.weightsCrc,
    weights: state.weights.slice(),
    m: state.m.slice(),
    v: state.v.slice(),
  };
}
