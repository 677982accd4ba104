import { expect, test } from 'vitest';
import type { WorkPlace } from './crew-messages.js';
import { overheadsMs, RehearsalHub, type WorkBegun } from './rehearsal-hub.js';

const train = (step: number) => ({ kind: 'train' as const, step });

test('lets members go on when all of them have come, from whatever process, and notes when', () => {
  const gone: WorkPlace[] = [];
  let nowMs = 5;
  const hub = new RehearsalHub({ now: () => nowMs, go: (place) => gone.push(place) });
  const place = { generation: 1, item: train(3), worldSize: 4 };
  hub.hear({ kind: 'arrived', ...place, count: 3 });
  hub.hear({ kind: 'arrived', ...place, item: train(4), count: 1 });
  expect(gone).toEqual([]);
  nowMs = 8;
  hub.hear({ kind: 'arrived', ...place, count: 1 });
  expect(gone).toEqual([{ generation: 1, item: train(3) }]);
  expect(hub.stepsOf(1)).toMatchObject([{ item: train(3), atMs: 8 }]);
});

test('a generation has started when its last member was told so', () => {
  let nowMs = 1;
  const hub = new RehearsalHub({ now: () => nowMs, go: () => undefined });
  hub.hear({ kind: 'started', generation: 7, count: 1, worldSize: 3 });
  expect(hub.newest).toBeUndefined();
  nowMs = 4;
  hub.hear({ kind: 'started', generation: 7, count: 2, worldSize: 3 });
  expect(hub.newest).toEqual({ generation: 7, worldSize: 3, atMs: 4 });
});

test('the first report of a step counts', () => {
  const hub = new RehearsalHub({ now: () => 0, go: () => undefined });
  expect(hub.sentAtMs(1)).toBeUndefined();
  for (const atMs of [30, 20, 40]) hub.hear({ kind: 'step', step: 1, atMs });
  expect(hub.sentAtMs(1)).toBe(20);
});

test('the overhead is the time between two beginnings without the arithmetic; not over an evaluation or a generation', () => {
  const begun = (generation: number, item: WorkBegun['item'], atMs: number): WorkBegun => ({
    ...{ generation, item, atMs },
    worldSize: 2,
  });
  const all = [
    begun(1, train(1), 0),
    begun(1, train(2), 130),
    begun(1, { kind: 'evaluate', step: 2 }, 250),
    begun(1, train(3), 400),
    begun(2, train(4), 900),
    begun(2, train(5), 1_007),
  ];
  expect(overheadsMs(all, 100)).toEqual([30, 7]);
});
