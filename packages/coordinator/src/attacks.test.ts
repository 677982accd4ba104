/**
 * A room of attacks: small clients without any right, against a real coordinator and a real broker. Each one worked before it was
 * written down here.
 */
import { stat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import {
  COORDINATOR_GENERATION,
  createPlan,
  encodeLeaseEntry,
  encodeShardMessage,
  leaseSubject,
  OPERATION_DEFAULTS,
  PassSigner,
  passesLabel,
  PassVerifier,
  decodePasses,
  RunToken,
  SHARD_SEAL_BYTES,
  shardSubject,
  TOKEN_FILE,
} from '@facet/shared';
import { Exchange } from '@facet/proto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun, log, pageOf, statusOf } from '../test/coordinated-run.js';
import { JoinClient } from '../test/join-client.js';
import type { Coordinator } from './coordinator.js';
import { startCandidate } from './leadership/candidate.js';
import { RunKey } from './secrets/run-key.js';

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

async function metricOf(coordinator: Coordinator, name: string): Promise<number> {
  const text = await pageOf(coordinator, '/metrics');
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

describe('who may publish on the broker', () => {
  /** A forger that watches the run's subjects, and publishes what the coordinator is about to. */
  async function forger() {
    const connection = await connect({ servers: run.broker.url });
    run.defer({ [Symbol.asyncDispose]: () => connection.close() });
    return {
      connection,
      publish: (subject: string, data: Uint8Array, msgID: string) =>
        jetstream(connection).publish(subject, data, { msgID }),
    };
  }

  it('cannot put shards of its own in the place of the real ones, nor hold those up with garbage', async () => {
    const coordinator = await run.coordinate({ prefetchSteps: 1, workers: { count: 1, min: 1, max: 8 } });
    const { publish } = await forger();
    const config = run.tiny.config();
    const plan = createPlan(config, { trainSamples: 64, testSamples: 20 });
    const forge = async (step: number): Promise<void> => {
      // With the ids that the samples of the plan have, and the message ids of before: all of it can be known.
      for (let index = 0; index < plan.microBatchCount({ kind: 'train', step }); index++) {
        const epoch = plan.epochOf(step);
        const ids = plan.microBatch({ kind: 'train', step }, index);
        const samples = new Uint8Array(ids.length * (1 + 28 * 28)).fill(255);
        const message = encodeShardMessage({ kind: 'train', generation: 1, epoch, step, index, ids, samples });
        const data = Buffer.concat([message, Buffer.alloc(SHARD_SEAL_BYTES)]);
        await publish(shardSubject('tiny', 1, 0), data, `tiny.1.train.${epoch}.${step}.${index}`);
      }
      await publish(shardSubject('tiny', 1, 0), Buffer.from('garbage'), `garbage-${step}`);
    };
    let isForged = false;
    const worker = await run.addWorker(coordinator, 'a', {
      beforeWork: async (_worker, { kind, step }) => {
        if (kind === 'train' && step === 1) {
          for (let ahead = 2; ahead <= 8; ahead++) await forge(ahead);
          isForged = true;
        }
      },
    });
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'finished', steps: 8, faults: 0, ledger: { clean: true } });
    expect(isForged).toBe(true);
    // All that the forger published was skipped, and all real ones came: 7 steps of 4 micro-batches, and 7 times garbage.
    expect(worker.forged).toBe(35);
    expect(worker.consumed.filter(({ kind }) => kind === 'train')).toHaveLength(32);
    for (const { samples } of worker.consumed) expect(samples!.at(-1)).not.toBe(255);
  });

  it('cannot take the lead away, nor send anybody to another leader', async () => {
    const { connection } = await forger();
    const config = run.tiny.config({ workers: { count: 1, min: 1, max: 8 } });
    const { runFolder } = run.tiny;
    const waits: string[] = [];
    let led = '';
    const candidate = await startCandidate({
      ...{ config, runFolder, role: 'first', mode: 'new', codeVersion: 'test', log },
      onLeading: ({ address }) => Promise.resolve(void (led = address)),
      onWaiting: (reason) => void waits.push(reason),
    });
    run.defer({ [Symbol.asyncDispose]: () => candidate.close() });
    await vi.waitUntil(() => led !== '', { timeout: 5_000 });
    let lies = 0;
    const lie = setInterval(() => {
      const entry = { holder: 'liar', host: 'far', pid: 7, address: '127.0.0.1:9', isFree: lies % 2 === 1 };
      lies += 1;
      void jetstream(connection).publish(leaseSubject('tiny'), encodeLeaseEntry(entry));
    }, 50);
    run.defer({ [Symbol.asyncDispose]: () => Promise.resolve(clearInterval(lie)) });
    await run.addWorker({ address: led }, 'a', {
      beforeWork: async (_worker, { step }) => {
        // Every step, until many lies were told.
        await vi.waitUntil(() => lies >= 8 * step, { timeout: 10_000 });
      },
    });
    expect(await candidate.done).toMatchObject({ outcome: 'finished', steps: 8, faults: 0 });
    expect(waits).toEqual([]);
  }, 30_000);
});

describe('who was not welcomed', () => {
  it("does not read the run's weights from the coordinator", async () => {
    const coordinator = await run.coordinate({ checkpoint: { ...OPERATION_DEFAULTS.checkpoint, everySteps: 2 } });
    const asked = { run: 'tiny', generation: 1, step: 2 };
    let answers: Promise<string[]> | undefined;
    const readAll = async (): Promise<string[]> => {
      await vi.waitUntil(async () => (await statusOf(coordinator)).checkpointStep >= 2, { timeout: 5_000 });
      const key = new RunKey(Buffer.from((await readFile(join(run.tiny.runFolder, 'run.key'), 'utf8')).trim(), 'hex'));
      const client = new Exchange(coordinator.address, credentials.createInsecure());
      const pull = (proof: Uint8Array, generation = asked.generation): Promise<string> =>
        new Promise((resolve) => {
          let bytes = 0;
          const call = client.pullState({ ...asked, generation, proof: Buffer.from(proof) });
          call.on('data', ({ chunk }: { chunk?: Buffer }) => (bytes += chunk?.length ?? 0));
          call.on('error', () => undefined);
          call.on('status', ({ details }: { details: string }) => {
            resolve(`${bytes > 0 ? 'read' : 'nothing'} ${details}`);
          });
        });
      const all = [
        await pull(new Uint8Array()),
        await pull(new PassSigner(new Uint8Array(32)).forState(asked).proof),
        await pull(key.passes.forState({ ...asked, step: 3 }).proof),
        await pull(key.passes.forState(asked).proof, COORDINATOR_GENERATION),
        await pull(key.passes.forState({ ...asked, generation: 2 }).proof, 2),
        await pull(key.passes.forState(asked).proof),
        await pull(key.passes.forState({ ...asked, generation: 0 }).proof, COORDINATOR_GENERATION),
      ];
      client.close();
      return all;
    };
    const beforeWork = async (_worker: unknown, { step }: { step: number }): Promise<void> => {
      if (step === 4) await (answers ??= readAll());
    };
    await run.addWorker(coordinator, 'a', { beforeWork });
    await run.addWorker(coordinator, 'b', { beforeWork });
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', faults: 0 });
    expect(await answers).toEqual([
      ...Array.from(
        { length: 4 },
        () => expect.stringMatching(/^nothing TOKEN_INVALID: the puller did not show/) as string,
      ),
      expect.stringMatching(/^nothing STALE: generation 2 asks for a state, and generation 1 is the one/),
      expect.stringMatching(/^read /),
      expect.stringMatching(/^read /),
    ]);
  });

  it('is also a worker that was a member: its passes are for its own generation alone', async () => {
    const coordinator = await run.coordinate();
    const survivor = await run.addWorker(coordinator, 'a');
    await run.addWorker(coordinator, 'b', {
      beforeWork: (worker, { step }) => {
        if (step === 3) worker.die();
      },
    });
    expect(await coordinator.done).toMatchObject({ outcome: 'finished' });
    const text = await readFile(join(run.tiny.runFolder, 'run.key'), 'utf8');
    const verifier = new PassVerifier(new RunKey(Buffer.from(text.trim(), 'hex')).passes.publicKey);
    const forms = survivor.received.flatMap(({ form }) => (form ? [form] : []));
    expect(forms.length).toBeGreaterThan(1);
    for (const { generation, rank, sealedPasses } of forms) {
      const { frames, state } = decodePasses(survivor.keys!.open(passesLabel(generation), sealedPasses));
      expect(state).toBeUndefined();
      const opens = (other: number): boolean =>
        verifier.mayPull({ run: 'tiny', generation: other, rank, proof: frames });
      expect([opens(generation - 1), opens(generation), opens(generation + 1)]).toEqual([false, true, false]);
    }
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
