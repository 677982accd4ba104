import { setImmediate as turn } from 'node:timers/promises';
import { TrainingError } from '@facet/shared';
import { expect, test } from 'vitest';
import { CrewMeeting } from './crew-meeting.js';

const place = (generation: number) => ({ generation, item: { kind: 'train' as const, step: 2 }, worldSize: 5 });
const stays = new AbortController().signal;

test('tells once how many came in a burst, and lets them go together', async () => {
  const told: unknown[] = [];
  const meeting = new CrewMeeting((arrival) => told.push(arrival));
  const met = Promise.all([meeting.meet(place(1), stays), meeting.meet(place(1), stays)]);
  await turn();
  expect(told).toEqual([{ ...place(1), count: 2 }]);
  meeting.go(place(1));
  await met;
});

test('a member whose generation ends stops waiting', async () => {
  const meeting = new CrewMeeting(() => undefined);
  const leaving = new AbortController();
  const met = meeting.meet(place(1), leaving.signal);
  leaving.abort(new TrainingError('CANCELLED', 'regroup'));
  await expect(met).rejects.toMatchObject({ code: 'CANCELLED', message: 'regroup' });
});

test('those who wait for a worker that died fail, also later ones of that generation, and the next generation meets', async () => {
  const meeting = new CrewMeeting(() => undefined);
  const early = meeting.meet(place(1), stays);
  meeting.fail(new TrainingError('PEER_UNAVAILABLE', 'gone'));
  await expect(early).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  await expect(meeting.meet(place(1), stays)).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
  const next = meeting.meet(place(2), stays);
  meeting.go(place(2));
  await next;
});
