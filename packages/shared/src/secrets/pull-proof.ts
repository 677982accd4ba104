/**
 * What a puller shows: that it was welcomed to the run, or coordinates it. The proof names what is pulled, so that it opens nothing
 * else to whoever reads it on the way.
 */
import { createHmac } from 'node:crypto';
import { isSameSecret } from './run-token.js';

export interface FramesAsked {
  readonly run: string;
  readonly generation: number;
  /** Of the puller. */
  readonly rank: number;
}

export interface StateAsked {
  readonly run: string;
  readonly step: number;
}

/** Shown with a request for frames. */
export function proofOfPull(exchangeKey: Uint8Array, { run, generation, rank }: FramesAsked): Buffer {
  return prove(exchangeKey, ['frames', run, generation, rank]);
}

/** Shown with a request for a state. */
export function proofOfStatePull(exchangeKey: Uint8Array, { run, step }: StateAsked): Buffer {
  return prove(exchangeKey, ['state', run, step]);
}

export function mayPull(exchangeKey: Uint8Array, asked: FramesAsked & { readonly proof: Uint8Array }): boolean {
  return isSameSecret(proofOfPull(exchangeKey, asked), asked.proof);
}

export function mayPullState(exchangeKey: Uint8Array, asked: StateAsked & { readonly proof: Uint8Array }): boolean {
  return isSameSecret(proofOfStatePull(exchangeKey, asked), asked.proof);
}

function prove(key: Uint8Array, parts: readonly (string | number)[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest();
}
