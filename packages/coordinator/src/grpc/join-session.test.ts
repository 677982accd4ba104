import { EventEmitter } from 'node:events';
import type { JoinResponse } from '@facet/proto';
import type { CertificateFacts } from '@facet/security';
import { CONFIG_VERSION, RunToken, systemClock, type Clock } from '@facet/shared';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { JoinSession, type JoinCall } from './join-session.js';

class FakeCall extends EventEmitter {
  readonly written: JoinResponse[] = [];
  isEnded = false;
  writableLength = 0;
  getHost = (): string => '127.0.0.1:1';
  getPeer = (): string => '127.0.0.1:9';
  write = (message: JoinResponse): number => this.written.push(message);
  end = (): void => {
    this.isEnded = true;
  };
}

const hello = {
  workerId: 'a',
  codeVersion: 'test',
  configVersion: CONFIG_VERSION,
  host: 'here',
  pid: 1,
  exchangeAddress: '127.0.0.1:2',
  metricsUrl: '',
  cores: 1,
  term: 0,
  run: '',
  runId: '',
  ticket: null,
  nonce: Buffer.alloc(32, 7),
};

const token = RunToken.random();
const onStranger = vi.fn();
const gate = { run: 'mine', runId: 'aa', token, onStranger };

let call: FakeCall;
let session: JoinSession;
/** What is to happen when the time for Hello is over. */
let elapse: (() => void) | undefined;
const handler = { onHello: vi.fn(), onMessage: vi.fn(), onClosed: vi.fn() };

beforeEach(() => {
  vi.clearAllMocks();
  call = new FakeCall();
  const clock: Clock = {
    ...systemClock,
    schedule(_delayMs, action) {
      elapse = action;
      return () => {
        elapse = undefined;
      };
    },
  };
  session = new JoinSession({ call: call as unknown as JoinCall, term: 1, codeVersion: 'test', gate, handler, clock });
});

/** What a worker with a token answers to the challenge that it was sent. */
function prove(withToken = token, said: typeof hello = hello): void {
  const { challenge, term = 0 } = call.written.at(-1)!;
  const nonce = challenge!.nonce as Buffer;
  const keys = withToken.join(said, { run: 'mine', runId: 'aa', term, nonce });
  call.emit('data', { proof: { proof: keys.workerProof, previousProof: Buffer.alloc(0) } });
}

describe('a Join stream', () => {
  it('is ended when no Hello comes, and the handler never hears of it', () => {
    elapse!();
    expect(call.written).toMatchObject([
      { refusal: { code: 'PEER_UNAVAILABLE', message: expect.stringMatching(/no Hello within \d+ ms/) as string } },
    ]);
    expect(call.isEnded).toBe(true);
    expect(handler.onClosed).not.toHaveBeenCalled();
  });

  it('waits no longer once the worker has proved that it has the token', () => {
    call.emit('data', { hello });
    expect(handler.onHello).not.toHaveBeenCalled();
    expect(elapse).toBeDefined();
    prove();
    expect(handler.onHello).toHaveBeenCalledOnce();
    expect(elapse).toBeUndefined();
  });

  it('shows first that the coordinator has the token, over the nonces of both', () => {
    call.emit('data', { hello });
    const { challenge } = call.written[0]!;
    const nonce = challenge!.nonce as Buffer;
    expect(challenge!.proof).toEqual(
      Buffer.from(token.join(hello, { run: 'mine', runId: 'aa', term: 1, nonce }).coordinatorProof),
    );
  });

  it.each([
    ['another token', RunToken.random(), hello],
    ['another worker id', token, { ...hello, workerId: 'b' }],
    ['another address', token, { ...hello, exchangeAddress: '127.0.0.1:3' }],
    ['a later term', token, { ...hello, term: 2 ** 32 - 1 }],
    ['another nonce', token, { ...hello, nonce: Buffer.alloc(32, 8) }],
  ])('is refused with a proof of %s, and the handler never hears of it', (_, withToken, said) => {
    call.emit('data', { hello });
    prove(withToken, said);
    expect(call.written.at(-1)).toMatchObject({ refusal: { code: 'TOKEN_INVALID' } });
    expect(call.isEnded).toBe(true);
    expect(onStranger).toHaveBeenCalledOnce();
    expect(handler.onHello).not.toHaveBeenCalled();
    expect(handler.onClosed).not.toHaveBeenCalled();
  });

  it.each(['ready', 'stepDone', 'leave'])('takes no %s in the place of a proof', (kind) => {
    call.emit('data', { hello });
    call.emit('data', { [kind]: {} });
    expect(call.written.at(-1)).toMatchObject({ refusal: { code: 'TOKEN_INVALID' } });
    expect(handler.onMessage).not.toHaveBeenCalled();
  });

  it('is ended when its worker does not read, and takes no more messages', () => {
    call.emit('data', { hello });
    prove();
    session.send({ start: { generation: 1 } });
    expect(call.written).toHaveLength(2);
    call.writableLength = 256;
    session.send({ start: { generation: 2 } });
    session.send({ start: { generation: 3 } });
    expect(call.written).toHaveLength(2);
    expect(call.isEnded).toBe(true);
    expect(handler.onClosed).toHaveBeenCalledWith(session, 'it has not read 256 messages');
  });

  it.each(['end', 'cancelled'])('waits no longer when it is over by %s', (event) => {
    call.emit(event);
    expect(elapse).toBeUndefined();
  });
});

describe('a worker with a certificate', () => {
  const peer = { subject: 'CN=worker gpu-3', grants: [{ role: 'worker' }, { role: 'worker', name: 'gpu-3' }] };
  const join = (as: object, workerId: string): FakeCall => {
    const stream = new FakeCall();
    const options = { call: stream as unknown as JoinCall, peer: as as CertificateFacts, term: 1, codeVersion: 'test' };
    new JoinSession({ ...options, gate, handler });
    stream.emit('data', { hello: { ...hello, workerId } });
    return stream;
  };

  it('joins as the worker that it is for', () => {
    expect(join(peer, 'gpu-3.17-abc').written).toMatchObject([{ challenge: {} }]);
  });

  it.each([
    [peer, 'gpu-4.17-abc', /gpu-4\.17-abc may not join: .* CN=worker gpu-3 is for the worker gpu-3, not for gpu-4/],
    [{ subject: 'CN=status', grants: [{ role: 'status' }] }, 'a', /CN=status is for the role status, expected worker/],
  ])('does not join as another one, or in another role', (as, workerId, message) => {
    expect(join(as, workerId).written).toMatchObject([
      { refusal: { code: 'CERTIFICATE_REFUSED', message: expect.stringMatching(message) as string } },
    ]);
    expect(handler.onHello).not.toHaveBeenCalled();
  });
});
