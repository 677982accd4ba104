import { afterEach, describe, expect, it } from 'vitest';
import { stateCrc } from '@facet/shared';
import { createMeshFixture, RUN } from '../../test/mesh-world.js';
import { pullState } from './exchange-client.js';
import type { StateSnapshot } from './exchange-server.js';

const fixture = createMeshFixture();
const { startServers } = fixture;

afterEach(() => {
  fixture.close();
});

describe('pulling a state', () => {
  const parameters = 700_001;
  const state: StateSnapshot = (() => {
    const part = (k: number) => Float32Array.from({ length: parameters }, (_, i) => Math.cos(i * k));
    const weights = part(1);
    return { step: 9, weightsCrc: stateCrc({ weights }), weights, m: part(2), v: part(3) };
  })();
  const empty = () => ({
    weights: new Float32Array(parameters),
    m: new Float32Array(parameters),
    v: new Float32Array(parameters),
  });
  const options = { run: RUN, step: 9, timeoutMs: 5_000, signal: new AbortController().signal };

  it('brings weights and moments over bit by bit', async () => {
    const [server] = await startServers(1, (step) => (step === 9 ? state : undefined));
    const target = empty();
    await pullState({ ...options, address: `127.0.0.1:${server!.port}`, weightsCrc: state.weightsCrc, target });
    expect(Buffer.from(target.weights.buffer).equals(Buffer.from(state.weights.buffer))).toBe(true);
    expect(Buffer.from(target.v.buffer).equals(Buffer.from(state.v.buffer))).toBe(true);
  });

  it('brings the average of the weights over too, and is not content without it', async () => {
    const ema = Float32Array.from(state.v, (value) => value / 3);
    const average = { ...state, ema, weightsCrc: stateCrc({ weights: state.weights, ema }) };
    const [server, other] = await startServers(2, (step) => (step === 9 ? average : undefined));
    const target = { ...empty(), ema: new Float32Array(parameters) };
    await pullState({
      ...options,
      address: `127.0.0.1:${server!.port}`,
      weightsCrc: average.weightsCrc,
      target,
    });
    expect(Buffer.from(target.ema.buffer).equals(Buffer.from(ema.buffer))).toBe(true);
    const short = pullState({
      ...options,
      address: `127.0.0.1:${other!.port}`,
      weightsCrc: average.weightsCrc,
      target: empty(),
    });
    await expect(short).rejects.toThrow(/more than the expected/);
  });

  it('refuses a state that is not the announced one, and one that the peer does not hold', async () => {
    const [server] = await startServers(1, (step) => (step === 9 ? state : undefined));
    const address = `127.0.0.1:${server!.port}`;
    await expect(pullState({ ...options, address, weightsCrc: 1, target: empty() })).rejects.toMatchObject({
      code: 'DESYNC',
    });
    await expect(pullState({ ...options, step: 8, address, weightsCrc: 1, target: empty() })).rejects.toThrow(
      /does not hold the state of run mesh-test after step 8/,
    );
  });
});
