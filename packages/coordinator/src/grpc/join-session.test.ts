import { EventEmitter } from 'node:events';
import type { JoinResponse } from '@facet/proto';
import { CONFIG_VERSION, systemClock, type Clock } from '@facet/shared';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { JoinSession, type JoinCall } from './join-session.js';

class FakeCall extends EventEmitter {
  readonly written: JoinResponse[] = [];
  isEnded = false;
  writableLength = 0;
  getHost = (): string => '127.0.0.1:1';
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
};

let call: FakeCall;
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
  new JoinSession({ call: call as unknown as JoinCall, term: 1, codeVersion: 'test', handler, clock });
});

describe('a Join stream', () => {
  it('is ended when no Hello comes, and the handler never hears of it', () => {
    elapse!();
    expect(call.written).toMatchObject([
      { refusal: { code: 'PEER_UNAVAILABLE', message: expect.stringMatching(/no Hello within \d+ ms/) as string } },
    ]);
    expect(call.isEnded).toBe(true);
    expect(handler.onClosed).not.toHaveBeenCalled();
  });

  it('waits no longer once the worker has said Hello', () => {
    call.emit('data', { hello });
    expect(handler.onHello).toHaveBeenCalledOnce();
    expect(elapse).toBeUndefined();
  });

  it('is ended when its worker does not read, and takes no more messages', () => {
    const session = new JoinSession({ call: call as unknown as JoinCall, term: 1, codeVersion: 'test', handler });
    call.emit('data', { hello });
    session.send({ start: { generation: 1 } });
    expect(call.written).toHaveLength(1);
    call.writableLength = 256;
    session.send({ start: { generation: 2 } });
    session.send({ start: { generation: 3 } });
    expect(call.written).toHaveLength(1);
    expect(call.isEnded).toBe(true);
    expect(handler.onClosed).toHaveBeenCalledWith(session, 'it has not read 256 messages');
  });

  it.each(['end', 'cancelled'])('waits no longer when it is over by %s', (event) => {
    call.emit(event);
    expect(elapse).toBeUndefined();
  });
});
