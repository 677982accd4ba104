/** Orders over real gRPC to a real coordinator with a real broker; what certificates may is judged by the session alone. */
import { EventEmitter } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperateResponse } from '@facet/proto';
import type { CertificateFacts, Role } from '@facet/security';
import {
  OPERATOR_TOKEN_FILE,
  OperatorToken,
  readOperatorToken,
  RunToken,
  systemClock,
  type Clock,
} from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun, createGate, ofKind, pageOf, statusOf } from '../../test/coordinated-run.js';
import { order, type Prover, type TriedOrder } from '../../test/order-client.js';
import { serveOperator, type OperateCall } from './operator-session.js';

const provedBy =
  (token: OperatorToken): Prover =>
  (said, challenge) =>
    token.proofsFor(said, challenge).operator;
const STOP: TriedOrder = { kind: 'ORDER_KIND_STOP' };

describe('an order to a coordinator', () => {
  let run: CoordinatedRun;

  beforeEach(async () => {
    run = await CoordinatedRun.open();
  });

  afterEach(() => run[Symbol.asyncDispose]());

  const operatorToken = (): Promise<OperatorToken> => readOperatorToken(join(run.tiny.runFolder, OPERATOR_TOKEN_FILE));

  it('needs the token that lies in the run folder, which only its owner reads', async () => {
    await run.coordinate();
    const { mode } = await stat(join(run.tiny.runFolder, OPERATOR_TOKEN_FILE));
    expect(mode & 0o777).toBe(0o600);
    expect((await operatorToken()).reveal()).not.toBe((await run.token()).reveal());
  });

  const asWorker: () => Promise<Prover> = async () => {
    const token = await run.token();
    return (said, challenge) => token.join({ workerId: 'a', nonce: said.nonce }, { ...challenge, term: 1 }).workerProof;
  };
  const asOperatorOfRunToken: () => Promise<Prover> = async () =>
    provedBy(new OperatorToken((await run.token()).reveal()));
  const another = (): Promise<Prover> => Promise.resolve(provedBy(OperatorToken.random()));
  const none = (): Promise<Prover> => Promise.resolve(() => new Uint8Array());
  const replayed: () => Promise<Prover> = async () => {
    const token = await operatorToken();
    return (said, challenge) => token.proofsFor({ ...said, kind: 'ORDER_KIND_CHECKPOINT' }, challenge).operator;
  };

  it.each([
    ['no token', none],
    ['another token', another],
    ['the run token, as a worker shows it', asWorker],
    ['the run token, as an operator shows it', asOperatorOfRunToken],
    ['the proof of another order', replayed],
  ])('is refused with %s, with peer, reason and remedy, and has no effect', async (_, proverOf) => {
    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 8 } });
    const prove = await proverOf();
    const seen: unknown[] = [];
    await run.addWorker(coordinator, 'a', {
      beforeWork: async (_worker, { kind, step }) => {
        if (kind !== 'train' || step !== 3) return;
        for (const tried of [
          STOP,
          { kind: 'ORDER_KIND_DRAIN', workerId: 'a' },
          { kind: 'ORDER_KIND_CHECKPOINT' },
        ] as const) {
          if (proverOf === replayed && tried.kind === 'ORDER_KIND_CHECKPOINT') continue;
          const [challenge, refusal, ...more] = await order(coordinator.address, tried, prove);
          seen.push(challenge?.message, refusal?.refusal, more);
        }
        seen.push((await pageOf(coordinator, '/metrics')).match(/strangers_total (\d+)/)?.[1]);
      },
    });
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', steps: 8, faults: 0, generations: 1 });
    const refusal = {
      code: 'TOKEN_INVALID',
      message: expect.stringMatching(
        /^the operator at 127\.0\.0\.1:\d+ did not show that it has the operator token of run tiny; .*operator\.token.*FACET_OPERATOR_TOKEN_FILE; the run token is not enough$/,
      ) as string,
    };
    const orders = proverOf === replayed ? 2 : 3;
    expect(seen).toEqual([...Array.from({ length: orders }, () => ['challenge', refusal, []]).flat(), String(orders)]);
    expect(ofKind(await run.readLedger(), 'leave')).toEqual([]);
    expect(ofKind(await run.readLedger(), 'checkpoint').map(({ step }) => step)).not.toContain(3);
  });

  it('stops the run with a checkpoint', async () => {
    const coordinator = await run.coordinate({ epochs: 50 });
    const prove = provedBy(await operatorToken());
    let answer: ReturnType<typeof order> | undefined;
    const beforeWork = (_: unknown, { step }: { readonly step: number }): void => {
      if (step === 3) answer ??= order(coordinator.address, STOP, prove);
    };
    const workers = [
      await run.addWorker(coordinator, 'a', { beforeWork }),
      await run.addWorker(coordinator, 'b', { beforeWork }),
    ];
    const result = await coordinator.done;
    expect(result).toMatchObject({ outcome: 'stopped', faults: 0 });
    expect(JSON.stringify(result)).toContain('an operator stopped the run: a test');
    const answers = await answer!;
    expect(answers.map(({ message }) => message)).toEqual(['challenge', 'orderDone']);
    expect(answers[1]!.orderDone!.message).toBe('the run ends with a checkpoint');
    for (const worker of workers)
      expect(await worker.ended).toMatchObject({ kind: 'stop', reason: 'STOP_REASON_STOPPED' });
    const records = await run.readLedger();
    expect(ofKind(records, 'checkpoint').at(-1)?.step).toBe(ofKind(records, 'commit').at(-1)?.step);
  });

  it('drains a worker: it leaves without a fault, is told to stay away, and the others go on', async () => {
    const coordinator = await run.coordinate();
    const prove = provedBy(await operatorToken());
    let answer: ReturnType<typeof order> | undefined;
    const beforeWork = (_: unknown, { step }: { readonly step: number }): void => {
      if (step === 2) answer ??= order(coordinator.address, { kind: 'ORDER_KIND_DRAIN', workerId: 'b' }, prove);
    };
    await run.addWorker(coordinator, 'a', { beforeWork });
    const drained = await run.addWorker(coordinator, 'b', { beforeWork });
    expect(await drained.ended).toMatchObject({
      ...{ kind: 'stop', reason: 'STOP_REASON_STOPPED', message: 'an operator drained it: a test' },
    });
    expect((await answer!)[1]!.orderDone!.message).toBe('worker b leaves when its generation has drained');
    expect(await coordinator.done).toMatchObject({
      outcome: 'finished',
      faults: 0,
      workers: 1,
      ledger: { missing: 0, duplicated: 0 },
    });
    expect(ofKind(await run.readLedger(), 'leave')).toMatchObject([{ workerId: 'b' }]);
  });

  it('names the workers there are when one is to be drained that is not there', async () => {
    const coordinator = await run.coordinate({ workers: { count: 3, min: 3, max: 8 } });
    await run.addWorker(coordinator, 'a');
    await vi.waitUntil(async () => (await statusOf(coordinator)).workers.length === 1, { timeout: 5_000 });
    const prove = provedBy(await operatorToken());
    const answers = await order(coordinator.address, { kind: 'ORDER_KIND_DRAIN', workerId: 'x' }, prove);
    expect(answers.at(-1)!.refusal).toMatchObject({
      ...{ code: 'CONFIG_INVALID', message: 'there is no worker x; connected are: a' },
    });
    const early = await order(coordinator.address, { kind: 'ORDER_KIND_CHECKPOINT' }, prove);
    expect(early.at(-1)!.refusal).toMatchObject({
      ...{ code: 'STALE', message: expect.stringContaining('no worker trains now (the run is gathering)') as string },
    });
  });

  it('has a checkpoint taken at a step at which none is due, and answers when it stands', async () => {
    const coordinator = await run.coordinate({ workers: { count: 1, min: 1, max: 8 }, epochs: 4 });
    const prove = provedBy(await operatorToken());
    const asked = createGate();
    let answer: ReturnType<typeof order> | undefined;
    const worker = await run.addWorker(coordinator, 'a', {
      beforeWork: async (self, { kind, step }) => {
        if (kind !== 'train') return;
        if (step === 2) answer ??= order(coordinator.address, { kind: 'ORDER_KIND_CHECKPOINT' }, prove);
        if (step === 2) {
          await vi.waitUntil(() => self.received.some(({ keepState }) => keepState), { timeout: 5_000 });
          asked.open();
        }
      },
    });
    await asked.opened;
    const keep = worker.received.find(({ keepState }) => keepState)!.keepState!;
    expect(keep).toMatchObject({ generation: 1, step: 4 });
    const answers = await answer!;
    const { step, message } = answers.at(-1)!.orderDone!;
    expect(step).toBe(4);
    expect(message).toMatch(/^checkpoint in .*checkpoints/);
    await coordinator.done;
    expect(ofKind(await run.readLedger(), 'checkpoint').map((record) => record.step)).toContain(4);
  });

  it('is not the run token: a run whose operator token is its run token does not begin', async () => {
    const token = RunToken.random();
    const { startCoordinator } = await import('../start-coordinator.js');
    const { log } = await import('../../test/coordinated-run.js');
    const same = { token, operatorToken: new OperatorToken(token.reveal()) };
    const options = {
      config: run.tiny.config(),
      runFolder: run.tiny.runFolder,
      mode: 'new',
      codeVersion: 'test',
      log,
    } as const;
    await expect(startCoordinator({ ...options, ...same })).rejects.toThrow(/the operator token is the run token/);
  });
});

class FakeCall extends EventEmitter {
  readonly written: OperateResponse[] = [];
  isEnded = false;
  getPeer = (): string => '127.0.0.1:9';
  write = (message: OperateResponse): number => this.written.push(message);
  end = (): void => {
    this.isEnded = true;
  };
}

describe('a certificate', () => {
  const gate = { run: 'mine', runId: 'aa', operatorToken: OperatorToken.random(), onStranger: vi.fn() };
  const handle = vi.fn(() => Promise.resolve({ message: 'done', step: 1 }));
  const said = { kind: 'ORDER_KIND_STOP', workerId: '', reason: '', nonce: Buffer.alloc(32, 1) };
  let elapse: () => void = () => undefined;
  const clock: Clock = {
    ...systemClock,
    schedule(_delayMs, action) {
      elapse = action;
      return () => undefined;
    },
  };

  function serve(role: Role | undefined): FakeCall {
    vi.clearAllMocks();
    const call = new FakeCall();
    const facts = { subject: 'CN=x', grants: role === undefined ? [] : [{ role }] };
    const peer = role === undefined ? undefined : (facts as unknown as CertificateFacts);
    serveOperator({ call: call as unknown as OperateCall, peer, gate, handle, clock });
    return call;
  }

  const prove = (call: FakeCall): void => {
    const { nonce } = call.written[0]!.challenge!;
    const { operator } = gate.operatorToken.proofsFor(said, { run: 'mine', runId: 'aa', nonce: nonce as Uint8Array });
    call.emit('data', { message: 'proof', proof: { proof: Buffer.from(operator) } });
  };

  it.each(['operator', 'coordinator', undefined] as const)('of the role %s may give orders', async (role) => {
    const call = serve(role);
    call.emit('data', { message: 'order', order: said });
    prove(call);
    await vi.waitUntil(() => call.isEnded);
    expect(handle).toHaveBeenCalledOnce();
    expect(call.written[1]).toEqual({ orderDone: { message: 'done', step: 1 } });
  });

  it.each(['worker', 'status', 'broker'] as const)('of the role %s may not, whatever the token', (role) => {
    const call = serve(role);
    call.emit('data', { message: 'order', order: said });
    expect(call.isEnded).toBe(true);
    expect(call.written).toEqual([
      {
        refusal: {
          code: 'CERTIFICATE_REFUSED',
          message: expect.stringMatching(
            new RegExp(
              `^127\\.0\\.0\\.1:9 may give run mine no orders: .*role ${role}, expected operator or coordinator; issue`,
            ),
          ) as string,
        },
      },
    ]);
    expect(handle).not.toHaveBeenCalled();
    expect(gate.onStranger).toHaveBeenCalledOnce();
  });

  it.each([
    ['no order', { message: 'proof', proof: { proof: Buffer.alloc(32) } }, 'VERSION_MISMATCH'],
    ['a short nonce', { order: { ...said, nonce: Buffer.alloc(8) } }, 'CONFIG_INVALID'],
    ['an unknown order', { order: { ...said, kind: 'ORDER_KIND_UNSPECIFIED' } }, 'VERSION_MISMATCH'],
    ['a worker id that is none', { order: { ...said, kind: 'ORDER_KIND_DRAIN', workerId: '../x' } }, 'CONFIG_INVALID'],
  ])('does not help an order that is none: %s', (_, message, code) => {
    const call = serve('operator');
    call.emit('data', message);
    expect(call.written).toMatchObject([{ refusal: { code } }]);
    expect(call.isEnded).toBe(true);
  });

  it('does not hold the stream for ever', () => {
    const call = serve('operator');
    elapse();
    expect(call.written).toMatchObject([{ refusal: { code: 'PEER_UNAVAILABLE' } }]);
    expect(call.isEnded).toBe(true);
  });

  it('does nothing for an order whose operator hangs up before the proof', () => {
    const call = serve('operator');
    call.emit('data', { message: 'order', order: said });
    call.emit('end');
    expect(call.isEnded).toBe(true);
    prove(call);
    expect(handle).not.toHaveBeenCalled();
  });
});
