import { EventEmitter } from 'node:events';
import type { JoinRequest, JoinResponse__Output } from '@facet/proto';
import { TrainingError } from '@facet/shared';
import { beforeEach, expect, it, vi } from 'vitest';
import { coordinatorStreamOf, type CoordinatorStream } from './coordinator-stream.js';

class FakeCall extends EventEmitter {
  readonly written: JoinRequest[] = [];
  writableLength = 0;
  isCancelled = false;
  write = (message: JoinRequest): number => this.written.push(message);
  cancel = (): void => {
    this.isCancelled = true;
  };
}

let call: FakeCall;
let stream: CoordinatorStream;
beforeEach(() => {
  call = new FakeCall();
  stream = coordinatorStreamOf(call, () => undefined);
});

const start = (generation: number): JoinResponse__Output => ({ start: { generation } }) as JoinResponse__Output;

async function generations(): Promise<number[]> {
  const seen: number[] = [];
  for await (const message of stream.messages(() => undefined)) seen.push(message.start!.generation);
  return seen;
}

it('hands out what came in order, until the stream ends', async () => {
  for (const generation of [1, 2, 3]) call.emit('data', start(generation));
  call.emit('end');
  expect(await generations()).toEqual([1, 2, 3]);
});

it('ends when more messages wait than a worker that keeps up ever has', async () => {
  for (let generation = 0; generation < 1_000; generation++) call.emit('data', start(generation));
  expect(call.isCancelled).toBe(true);
  expect((await generations()).length).toBe(257);
});

it('says why it ended without a message, and asks nobody after one', async () => {
  const refused = new TrainingError('CERTIFICATE_REFUSED', 'it has expired');
  const explained = vi.fn(() => Promise.resolve(refused));
  stream = coordinatorStreamOf(call, () => undefined, explained);
  call.emit('error');
  await expect(generations()).rejects.toBe(refused);

  stream = coordinatorStreamOf((call = new FakeCall()), () => undefined, explained);
  call.emit('data', start(1));
  call.emit('error');
  expect(await generations()).toEqual([1]);
  expect(explained).toHaveBeenCalledOnce();
});

it('ends when the coordinator does not read', async () => {
  stream.send({ heartbeat: {} });
  call.writableLength = 256;
  stream.send({ heartbeat: {} });
  stream.send({ heartbeat: {} });
  expect(call.written).toHaveLength(1);
  expect(call.isCancelled).toBe(true);
  expect(await generations()).toEqual([]);
});
