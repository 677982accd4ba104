import { expect, test } from 'vitest';
import type { Clock } from '../clock.js';
import { TrainingError } from '../errors.js';
import { untilBrokerAnswers } from './broker-patience.js';

/** A clock that jumps to whatever is waited for. */
function jumpingClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    wallTime: () => '',
    schedule(delayMs, action) {
      nowMs += delayMs;
      queueMicrotask(action);
      return () => undefined;
    },
  };
}

const silence = new TrainingError('BROKER_UNREACHABLE', 'no NATS broker answers');

function failing(times: number, error: Error): () => Promise<string> {
  let failures = 0;
  return () => {
    failures += 1;
    return failures > times ? Promise.resolve('connected') : Promise.reject(error);
  };
}

function patience(limitMs: number, signal = new AbortController().signal) {
  const told: string[] = [];
  const onWait = ({ message }: TrainingError): void => void told.push(message);
  return { told, limitMs, clock: jumpingClock(), signal, onWait };
}

test('waits for a broker that comes up, and says so once', async () => {
  const waiting = patience(10_000);
  expect(await untilBrokerAnswers(failing(5, silence), waiting)).toBe('connected');
  expect(waiting.told).toEqual(['no NATS broker answers']);
});

test('gives up after the limit, and says how long it waited', async () => {
  await expect(untilBrokerAnswers(failing(Infinity, silence), patience(2_000))).rejects.toMatchObject({
    code: 'BROKER_UNREACHABLE',
    message: 'no NATS broker answers; gave up after 2000 ms',
  });
});

test('does not ask a broker again that refuses us', async () => {
  const refusal = new TrainingError('BROKER_REFUSED', 'the NATS broker asks for a login');
  const waiting = patience(10_000);
  await expect(untilBrokerAnswers(failing(1, refusal), waiting)).rejects.toBe(refusal);
  expect(waiting.told).toEqual([]);
});

test('tries once without patience', async () => {
  await expect(untilBrokerAnswers(failing(1, silence), undefined)).rejects.toBe(silence);
});

test('stops waiting when it is told to', async () => {
  const controller = new AbortController();
  const waiting = { ...patience(10_000, controller.signal), onWait: () => void controller.abort() };
  await expect(untilBrokerAnswers(failing(Infinity, silence), waiting)).rejects.toMatchObject({ code: 'CANCELLED' });
});
