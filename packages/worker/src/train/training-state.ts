/**
 * What a worker holds of a run: weights, moments and the average of the weights in flat buffers that never move, and how many
 * updates they have had. Without an average the weights are the engine's own buffer. With one they are not: the engine is
 * shown the weights for a step and their average for an evaluation, and whoever pulls the state meanwhile must not notice.
 */
import { momentsCrc, stateCrc, stateParts, type StateSnapshot, type TrainingState as PulledState } from '@facet/shared';
import type { Compute } from '@facet/engine';

export interface TrainingState {
  /** [parameters] each */
  readonly weights: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Moving average of the weights; absent when the run keeps none. */
  readonly ema?: Float32Array;
  /** Undefined until the worker has a state at all. */
  appliedStep: number | undefined;
  /** Of the weights, and of their average if there is one. */
  weightsCrc: number;
  momentsCrc: number;
}

/** The buffers of a run's state, on top of an engine's weights. */
export function allocateTrainingState(engineWeights: Float32Array, { emaDecay }: { emaDecay: number }): TrainingState {
  const { length } = engineWeights;
  const zeros = (): Float32Array => new Float32Array(length);
  const state = { m: zeros(), v: zeros(), appliedStep: undefined, weightsCrc: 0, momentsCrc: 0 };
  return emaDecay > 0 ? { ...state, weights: zeros(), ema: zeros() } : { ...state, weights: engineWeights };
}

/** The state before the first step: the average of one thing is the thing itself. */
export function resetState(state: TrainingState, initial: Float32Array): void {
  state.weights.set(initial);
  state.m.fill(0);
  state.v.fill(0);
  state.ema?.set(initial);
  markApplied(state, 0);
}

/** Puts the weights that a piece of work uses where the engine reads them: for an evaluation their average, if there is one. */
export function showWeights(state: TrainingState, compute: Compute, kind: 'train' | 'evaluate'): void {
  if (state.ema === undefined) return;
  compute.weights.set(kind === 'train' ? state.weights : state.ema);
  compute.weightsChanged();
}

/** Notes that the buffers now hold the state after a step. */
export function markApplied(state: TrainingState, step: number): void {
  state.appliedStep = step;
  state.weightsCrc = stateCrc(state);
  state.momentsCrc = momentsCrc(state);
}

/** Takes over a state that was pulled. */
export function adoptState(state: TrainingState, pulled: PulledState): void {
  const parts = stateParts(pulled);
  stateParts(state).forEach((part, at) => {
    part.set(parts[at]!);
  });
  markApplied(state, pulled.step);
}

/** A copy of the state, for a checkpoint that is pulled while training goes on. */
export function copyState(state: TrainingState): StateSnapshot {
  return {
    step: state.appliedStep ?? 0,
    weightsCrc: state.weightsCrc,
    momentsCrc: state.momentsCrc,
    weights: state.weights.slice(),
    m: state.m.slice(),
    v: state.v.slice(),
    ...(state.ema !== undefined && { ema: state.ema.slice() }),
  };
}
