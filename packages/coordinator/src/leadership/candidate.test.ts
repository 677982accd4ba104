import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkLedger } from '@facet/shared';
import { CoordinatedRun, createGate, log, ofKind } from '../../test/coordinated-run.js';
import type { FakeWorker } from '../../test/fake-worker.js';
import { RunKey } from '../secrets/run-key.js';
import { startCandidate, type Candidate } from './candidate.js';

const TIMEOUTS = { heartbeatMs: 2_000, stepMs: 20_000, gatherMs: 30_000 };

let run: CoordinatedRun;

beforeEach(async () => {
  run = await CoordinatedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

/** A candidate whose news a test can wait for. */
class Contender {
  readonly addresses: string[] = [];
  readonly waits: string[] = [];
  onWaiting: () => void = () => undefined;
  #candidate: Candidate | undefined;

  static async start(role: 'first' | 'standby'): Promise<Contender> {
    const contender = new Contender();
    const candidate = await startCandidate({
      config: run.tiny.config({ timeouts: TIMEOUTS }),
      runFolder: run.tiny.runFolder,
      role,
      mode: role === 'first' ? 'new' : 'resume',
      codeVersion: 'test',
      log,
      onLeading({ address }) {
        contender.addresses.push(address);
        return Promise.resolve();
      },
      onWaiting(reason) {
        contender.waits.push(reason);
        contender.onWaiting();
      },
    });
    contender.#candidate = candidate;
    run.defer({ [Symbol.asyncDispose]: () => candidate.close() });
    return contender;
  }

  get candidate(): Candidate {
    return this.#candidate!;
  }

  get place(): { readonly address: string } {
    return { address: this.addresses.at(-1) ?? '' };
  }

  async waitToLead(times: number): Promise<void> {
    await vi.waitUntil(() => this.addresses.length >= times, { timeout: 20_000, interval: 10 });
  }
}

/** Two workers that stop before a step until their stream ends. */
async function trainUntil(contender: Contender, stopStep: number): Promise<readonly FakeWorker[]> {
  const reached = createGate();
  const hold = async (worker: FakeWorker, { step }: { readonly step: number }): Promise<void> => {
    if (step !== stopStep) return;
    reached.open();
    await worker.ended;
  };
  const workers = [
    await run.addWorker(contender.place, 'a', { beforeWork: hold }),
    await run.addWorker(contender.place, 'b', { beforeWork: hold }),
  ];
  await reached.opened;
  await vi.waitUntil(async () => ofKind(await run.readLedger(), 'commit').length === stopStep - 1, { timeout: 10_000 });
  return workers;
}

async function finish({ candidate, place }: Contender): Promise<readonly FakeWorker[]> {
  const survivors = [await run.addWorker(place, 'c'), await run.addWorker(place, 'd')];
  expect(await candidate.done).toMatchObject({ outcome: 'finished', steps: 8 });
  for (const { ended } of survivors) expect(await ended).toMatchObject({ reason: 'STOP_REASON_FINISHED' });
  expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
  return survivors;
}

describe('a candidate', () => {
  it('takes over from one that leaves, in a later term, and the run ends exactly', { timeout: 60_000 }, async () => {
    const first = await Contender.start('first');
    const standby = await Contender.start('standby');
    const workers = await trainUntil(first, 3);
    expect(workers[0]!.received.every(({ term }) => term === 1)).toBe(true);
    await first.candidate.close();
    await standby.waitToLead(1);
    const [survivor] = await finish(standby);
    expect(survivor!.received.every(({ term }) => term === 2)).toBe(true);
  });

  it('does not go on with a run that was stopped; a standby has the same result', async () => {
    const first = await Contender.start('first');
    const standby = await Contender.start('standby');
    await trainUntil(first, 2);
    first.candidate.requestStop('enough');
    const result = await first.candidate.done;
    expect(result).toMatchObject({ outcome: 'stopped', message: 'enough' });
    expect(await standby.candidate.done).toEqual(result);
    expect(standby.addresses).toEqual([]);
  });

  it('goes on when the result in the folder is not that of the end in the ledger', { timeout: 40_000 }, async () => {
    const first = await Contender.start('first');
    await trainUntil(first, 2);
    first.candidate.requestStop('enough');
    const { steps } = await first.candidate.done;
    const file = join(run.tiny.runFolder, 'result.json');
    const stored = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...stored, steps: steps + 1 }));
    const standby = await Contender.start('standby');
    await standby.waitToLead(1);
    await finish(standby);
  });

  it('ends when it is told to stop in the moment in which it has lost the lease', { timeout: 40_000 }, async () => {
    const first = await Contender.start('first');
    await trainUntil(first, 3);
    first.onWaiting = () => {
      first.candidate.requestStop('a signal');
    };
    await run.broker.kill();
    await expect(first.candidate.done).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(first.waits).toHaveLength(1);
  });

  it('refuses to start beside one that leads, and names it', { timeout: 40_000 }, async () => {
    const first = await Contender.start('first');
    await expect(Contender.start('first')).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringMatching(
        new RegExp(`process ${process.pid} on .* at ${first.place.address} leads run tiny`),
      ),
    });
  });

  it(
    'commands no more when the broker is away for longer than a lease, and goes on at the same place when it is back, empty',
    { timeout: 60_000 },
    async () => {
      const first = await Contender.start('first');
      const workers = await trainUntil(first, 3);
      await run.broker.kill();
      await Promise.all(workers.map(({ ended }) => ended));
      await vi.waitUntil(() => first.waits.length === 1, { timeout: 10_000 });
      expect(first.waits[0]).toMatch(/could not be renewed for \d+ ms/);
      await run.broker.restart();
      await first.waitToLead(2);
      expect(first.addresses[1]).toBe(first.addresses[0]);
      await finish(first);
      expect(ofKind(await run.readLedger(), 'end')).toHaveLength(1);
    },
  );
});

describe('a coordinator of an earlier term', () => {
  it('steps down when a worker has obeyed a later one', async () => {
    const first = await Contender.start('first');
    const key = await readFile(join(run.tiny.runFolder, 'run.key'), 'utf8');
    const later = new RunKey(Buffer.from(key.trim(), 'hex')).ticket({ term: 5, generation: 1, workerId: 'a' });
    const worker = await run.addWorker(first.place, 'a', { hello: { term: 5, ticket: later } });
    expect(await worker.ended).toEqual({ kind: 'gone' });
    await vi.waitUntil(() => first.waits.length === 1, { timeout: 10_000 });
    expect(first.waits[0]).toContain('worker a has obeyed the coordinator of term 5, this one is of term 1');
  });
});
