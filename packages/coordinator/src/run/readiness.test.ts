import { expect, it } from 'vitest';
import type { Membership, Phase, WorkerEntry } from '../membership/state.js';
import { whyNotReady } from './readiness.js';

const worker = (workerId: string, stage: WorkerEntry['stage']): [string, WorkerEntry] => [
  workerId,
  {
    ...{ workerId, host: 'h', joinOrder: 1, stage, connectedAtMs: 0, heardAtMs: 0 },
    ...{ held: undefined, generation: 0, isLeaving: false },
  },
];
const workers: Membership['workers'] = new Map([worker('a', 'ready'), worker('b', 'connecting')]);
const deadlineMs = 1_000;

it.each<[Phase, string | undefined]>([
  [{ kind: 'running', generation: 1, members: ['a'], drain: undefined }, undefined],
  [{ kind: 'gathering', wanted: 2, deadlineMs }, 'the run waits for workers: 1 of 2 are ready'],
  [
    { kind: 'regrouping', generation: 3, awaiting: new Set(), deadlineMs, reason: 'worker a is gone' },
    'the workers of generation 3 regroup',
  ],
  [
    { kind: 'saving', donor: 'a', wanted: 2, deadlineMs },
    'every worker leaves; a checkpoint of their state is being taken',
  ],
  [{ kind: 'ended', ending: { outcome: 'finished', message: '' } }, 'the run ends'],
])('in %o says %s', (phase, expected) => {
  expect(whyNotReady({ phase, workers })).toBe(expected);
});
