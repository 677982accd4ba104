/**
 * What a puller shows to the worker that it pulls from. A coordinator of the run signs a pass for one thing: the frames for one rank in
 * one generation, or one state in one generation. A member gets its passes with its Form. So a worker that was removed has none
 * for later generations. Any worker of the run can check a pass, also one of a generation that it has not been told of yet.
 */
import { TrainingError } from '../errors.js';
import { SIGNATURE_BYTES, SignatureVerifier, Signer } from './signature.js';

export interface FramesAsked {
  readonly run: string;
  readonly generation: number;
  /** Of the puller. */
  readonly rank: number;
}

export interface StateAsked {
  readonly run: string;
  /** Which the puller forms, or COORDINATOR_GENERATION. */
  readonly generation: number;
  readonly step: number;
}

/** A coordinator pulls states for checkpoints, whichever generation runs. No Form has a pass with this number. */
export const COORDINATOR_GENERATION = 0;

/** Shown with a request for a state. */
export interface StatePass {
  readonly generation: number;
  readonly proof: Uint8Array;
}

type Shown<T> = T & { readonly proof: Uint8Array };

/** Checks the passes of one run. */
export class PassVerifier extends SignatureVerifier {
  mayPull(asked: Shown<FramesAsked>): boolean {
    return asked.proof.length === SIGNATURE_BYTES && this.isSigned(framesText(asked), asked.proof);
  }

  mayPullState(asked: Shown<StateAsked>): boolean {
    return asked.proof.length === SIGNATURE_BYTES && this.isSigned(stateText(asked), asked.proof);
  }
}

/** Makes the passes of one run. */
export class PassSigner extends Signer {
  /** Checks them, for a coordinator that hands out states. */
  readonly verifier = new PassVerifier(this.publicKey);

  forFrames(asked: FramesAsked): Buffer {
    return this.sign(framesText(asked));
  }

  forState(asked: StateAsked): StatePass {
    return { generation: asked.generation, proof: this.sign(stateText(asked)) };
  }
}

/** What a member of a generation may pull. */
export interface ExchangePasses {
  readonly frames: Uint8Array;
  /** Absent if it pulls no state. */
  readonly state?: Uint8Array | undefined;
}

/** The label under which the passes of a member travel. */
export function passesLabel(generation: number): string {
  return `the passes of generation ${generation}`;
}

export function encodePasses({ frames, state = new Uint8Array() }: ExchangePasses): Uint8Array {
  return Buffer.concat([frames, state]);
}

/** @throws TrainingError VERSION_MISMATCH when it is not one signature, or two. */
export function decodePasses(bytes: Uint8Array): ExchangePasses {
  const [one, two] = [bytes.subarray(0, SIGNATURE_BYTES), bytes.subarray(SIGNATURE_BYTES)];
  if (one.length === SIGNATURE_BYTES && two.length === 0) return { frames: one };
  if (two.length === SIGNATURE_BYTES) return { frames: one, state: two };
  throw new TrainingError(
    'VERSION_MISMATCH',
    `the passes of a Form have ${bytes.length} bytes, expected ${SIGNATURE_BYTES} or ${2 * SIGNATURE_BYTES}; install the same version on every machine`,
  );
}

function framesText({ run, generation, rank }: FramesAsked): string {
  return JSON.stringify(['frames', run, generation, rank]);
}

function stateText({ run, generation, step }: StateAsked): string {
  return JSON.stringify(['state', run, generation, step]);
}
