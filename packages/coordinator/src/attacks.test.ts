/**
 * A room of attacks: small clients without any right, against a real coordinator and a real broker. Each one worked before it was
 * written down here.
 */
import { stat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunToken, TOKEN_FILE } from '@facet/shared';
import type { Status } from '@facet/proto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun } from '../test/coordinated-run.js';
import { JoinClient } from '../test/join-client.js';
import type { Coordinator } from './coordinator.js';

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

async function statusOf({ httpUrl }: Coordinator): Promise<Status> {
  return (await (await fetch(`${httpUrl}/status`)).json()) as Status;
}

async function metricOf({ httpUrl }: Coordinator, name: string): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

function client(
  address: string,
  ...more: ConstructorParameters<typeof JoinClient> extends [string, ...infer R] ? R : never
) {
  const stranger = new JoinClient(address, ...more);
  run.defer(stranger);
  return stranger;
}

describe('who has no token', () => {
  it.each([
    ['no token', undefined],
    ['another token', RunToken.random()],
  ])('does not join: %s; and learns nothing of the broker', async (_, token) => {
    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 8 } });
    const stranger = client(coordinator.address, token);
    if (token === undefined) {
      await vi.waitUntil(() => stranger.first('challenge'), { timeout: 5_000 });
      // What a worker of before said at once.
      stranger.send({ ready: { programSha256: 'a'.repeat(64), engine: 'fake', device: 'cpu', parameters: [] } });
    }
    await stranger.ended;
    expect(stranger.first('refusal')).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(stranger.first('refusal')!.message).toMatch(/worker stranger at 127\.0\.0\.1:\d+ .* run tiny; .*run\.token/);
    expect(stranger.first('welcome')).toBeUndefined();
    expect(JSON.stringify(stranger.received)).not.toContain(new URL(run.broker.url).port);
    expect((await statusOf(coordinator)).workers).toEqual([]);
    expect(await metricOf(coordinator, 'facet_coordinator_strangers_total')).toBe(1);
    const worker = await run.addWorker(coordinator, 'a');
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', faults: 0, workers: 1 });
    expect(await worker.ended).toMatchObject({ kind: 'stop' });
  });

  it('does not fence the leader with the highest term there is', async () => {
    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 8 } });
    const ticket = { term: 2 ** 32 - 1, generation: 1, seal: Buffer.alloc(32) };
    await client(coordinator.address, RunToken.random(), { term: 2 ** 32 - 1, ticket }).ended;
    // Nor does a worker with the token, which has no ticket of such a term.
    const insider = client(coordinator.address, await run.token(), { term: 2 ** 32 - 1, ticket });
    await insider.ended;
    expect(insider.first('welcome')).toBeUndefined();
    await run.addWorker(coordinator, 'a');
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', faults: 0 });
  });

  it("does not end a worker's stream with its host, process and id, which everybody may read", async () => {
    const coordinator = await run.coordinate();
    let attacked: Promise<void> | undefined;
    const attack = async (): Promise<void> => {
      const [{ workerId, host, pid } = { workerId: '', host: '', pid: 0 }] = (await statusOf(coordinator)).workers;
      expect(workerId).toBe('a');
      await client(coordinator.address, RunToken.random(), { workerId, host, pid }).ended;
      // Nor does one with the token that is not the same process.
      const insider = client(coordinator.address, await run.token(), { workerId, host, pid });
      await insider.ended;
      expect(insider.first('refusal')).toMatchObject({ code: 'CONFIG_INVALID' });
    };
    const beforeWork = (): Promise<void> => (attacked ??= attack());
    await run.addWorker(coordinator, 'a', { beforeWork });
    await vi.waitUntil(async () => (await statusOf(coordinator)).workers.length === 1, { timeout: 5_000 });
    await run.addWorker(coordinator, 'b', { beforeWork });
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', generations: 1, faults: 0 });
  });
});

describe("a run's token", () => {
  it('is made in the folder of the run, for its owner alone, and is the same after a resume', async () => {
    const coordinator = await run.coordinate();
    const file = join(run.tiny.runFolder, TOKEN_FILE);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const token = await readFile(file, 'utf8');
    expect(token).toMatch(/^[\w-]{43}\n$/);
    const stream = client(coordinator.address, await run.token());
    await vi.waitUntil(() => stream.first('welcome'), { timeout: 5_000 });
    await coordinator.close();
    const resumed = await run.coordinate({}, 'resume');
    expect(await readFile(file, 'utf8')).toBe(token);
    const again = client(resumed.address, await run.token());
    await vi.waitUntil(() => again.first('welcome'), { timeout: 5_000 });
  });

  it('lets the process of a half-open stream replace it', async () => {
    const coordinator = await run.coordinate();
    const token = await run.token();
    const first = client(coordinator.address, token);
    await vi.waitUntil(() => first.first('welcome'), { timeout: 5_000 });
    const second = client(coordinator.address, token, {}, first.keys);
    await vi.waitUntil(() => second.first('welcome'), { timeout: 5_000 });
    await first.ended;
    expect((await statusOf(coordinator)).workers).toHaveLength(1);
  });
});
