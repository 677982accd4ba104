import { expect, test } from 'vitest';
import { listenForStop } from './stop-signals.js';

function fakeSignals() {
  let stop: (signal: NodeJS.Signals) => void = () => undefined;
  let nowMs = 0;
  let isListening = false;
  const context = {
    onStopSignal(listener: (signal: NodeJS.Signals) => void) {
      stop = listener;
      isListening = true;
      return () => {
        isListening = false;
      };
    },
  };
  return {
    signals: listenForStop(context, () => nowMs),
    press: (atMs: number, signal: NodeJS.Signals = 'SIGINT') => {
      nowMs = atMs;
      stop(signal);
    },
    isListening: () => isListening,
  };
}

test('the first signal stops, the second kills', () => {
  const { signals, press } = fakeSignals();
  press(1_000);
  expect([signals.stop.aborted, signals.kill.aborted]).toEqual([true, false]);
  press(2_000);
  expect(signals.kill.aborted).toBe(true);
});

test('one signal that arrives twice is one', () => {
  const { signals, press } = fakeSignals();
  press(1_000);
  press(1_020);
  press(1_499);
  expect(signals.kill.aborted).toBe(false);
  press(1_500);
  expect(signals.kill.aborted).toBe(true);
});

test('SIGTERM asks for an end however often it comes, and leaves it to SIGINT to end at once', () => {
  const { signals, press } = fakeSignals();
  expect(signals.isTermination).toBe(false);
  press(1_000, 'SIGTERM');
  press(5_000, 'SIGTERM');
  expect([signals.stop.aborted, signals.kill.aborted, signals.isTermination]).toEqual([true, false, true]);
  press(6_000);
  expect(signals.kill.aborted).toBe(true);
});

test('stops listening when it is disposed of', () => {
  const { signals, isListening } = fakeSignals();
  expect(isListening()).toBe(true);
  signals[Symbol.dispose]();
  expect(isListening()).toBe(false);
});
