import { describe, expect, it } from 'vitest';
import { decodePasses, encodePasses, PassSigner, PassVerifier } from './exchange-pass.js';
import { LeaseSigner } from './lease-signature.js';

const signer = new PassSigner(Buffer.alloc(32, 1));
const verifier = new PassVerifier(signer.publicKey);
const frames = { run: 'mine', generation: 7, rank: 2 };
const state = { run: 'mine', generation: 7, step: 40 };

describe('a pass', () => {
  it('opens what it names, to whoever has the public key of the run', () => {
    expect(verifier.mayPull({ ...frames, proof: signer.forFrames(frames) })).toBe(true);
    expect(verifier.mayPullState({ ...state, proof: signer.forState(state).proof })).toBe(true);
  });

  it.each([
    ['another run', { run: 'other' }],
    ['a later generation', { generation: 8 }],
    ['another rank', { rank: 3 }],
  ])('opens the frames of %s to nobody', (_what, other) => {
    expect(verifier.mayPull({ ...frames, ...other, proof: signer.forFrames(frames) })).toBe(false);
  });

  it.each([
    ['another run', { run: 'other' }],
    ['a later generation', { generation: 8 }],
    ['another step', { step: 41 }],
    ['a checkpoint, which only a coordinator pulls', { generation: 0 }],
  ])('opens the state of %s to nobody', (_what, other) => {
    expect(verifier.mayPullState({ ...state, ...other, proof: signer.forState(state).proof })).toBe(false);
  });

  it('is not made by another key, nor for frames from one for a state', () => {
    const stranger = new PassSigner(Buffer.alloc(32, 2)).forFrames(frames);
    const lease = new LeaseSigner(Buffer.alloc(32, 2)).sign(JSON.stringify(['frames', 'mine', 7, 2]));
    const ofState = signer.forState({ run: 'mine', generation: 7, step: 2 }).proof;
    const cut = signer.forFrames(frames).subarray(1);
    for (const proof of [stranger, lease, ofState, cut, new Uint8Array()]) {
      expect(verifier.mayPull({ ...frames, proof })).toBe(false);
    }
  });
});

describe('the passes of a Form', () => {
  it('are one or two, and read as they were written', () => {
    const both = { frames: signer.forFrames(frames), state: signer.forState(state).proof };
    expect(decodePasses(encodePasses(both))).toEqual(both);
    expect(decodePasses(encodePasses({ frames: both.frames }))).toEqual({ frames: both.frames });
  });

  it.each([0, 63, 65, 127, 129])('are refused if they have %i bytes', (length) => {
    expect(() => decodePasses(new Uint8Array(length))).toThrow(/expected 64 or 128; install the same version/);
  });
});
