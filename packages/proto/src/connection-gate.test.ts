import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { coordinatorLimits, createConnectionGate } from './connection-gate.js';

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  isDestroyed = false;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

function socketFrom(address: string): Socket & FakeSocket {
  return new FakeSocket(address) as unknown as Socket & FakeSocket;
}

test('closes the connection that is too many, from one address and in all, and gives a place back', () => {
  const enter = createConnectionGate({ total: 3, perAddress: 2 });
  const first = socketFrom('10.0.0.1');
  const tooManyHere = socketFrom('10.0.0.1');
  const tooMany = socketFrom('10.0.0.3');
  expect(enter(first)).toBe(true);
  expect(enter(socketFrom('10.0.0.1'))).toBe(true);
  expect(enter(tooManyHere)).toBe(false);
  expect(tooManyHere.isDestroyed).toBe(true);
  expect(enter(socketFrom('10.0.0.2'))).toBe(true);
  expect(enter(tooMany)).toBe(false);
  expect(tooMany.isDestroyed).toBe(true);
  first.destroy();
  expect(enter(socketFrom('10.0.0.1'))).toBe(true);
  expect(enter(socketFrom('10.0.0.1'))).toBe(false);
});

test('a coordinator has places for all of its workers, though they are on one host, and for their states', () => {
  expect(coordinatorLimits(4)).toEqual({ total: 2_048, perAddress: 768 });
  const { total, perAddress } = coordinatorLimits(4_096);
  expect(perAddress).toBeGreaterThan(4_096);
  expect(total).toBeGreaterThan(2 * 4_096);
});
