import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pathsIn } from '../runs/run-folders.js';
import type { RunPlace } from '../launch/run-processes.js';
import { ChaosCoordinators } from './chaos-coordinators.js';

const RUN = 'tiny';

let folder: string;
let coordinators: ChaosCoordinators;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-seats-'));
  const place = { config: { run: RUN, coordinator: {} }, paths: pathsIn(path.join(folder, RUN)), env: {} };
  await mkdir(place.paths.folder);
  coordinators = await ChaosCoordinators.open({
    // What decides who ended a run needs no more of a configuration.
    place: place as unknown as RunPlace,
    brokers: { ends: [], placeAt: () => 'nats://nowhere', natsFor: () => ({ url: '', workerUrl: '' }) },
    host: '127.0.0.1',
    hasStandby: true,
    isStored: true,
    folder: path.join(folder, 'launch'),
    start: () => {
      throw new Error('nothing is started here');
    },
  });
});

afterEach(async () => {
  await coordinators[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

it('takes the ledger of whoever ended the run, also if the other one repeats its result', async () => {
  expect(await coordinators.ended()).toBeUndefined();
  const other = pathsIn(path.join(folder, RUN, 'other-disk', RUN));
  const result = { outcome: 'finished', checkpoint: path.join(other.checkpoints, 'step-000000009') };
  for (const index of [0, 1]) {
    const file = path.join(folder, 'launch', `coordinator-${index}`, 'standby-result.json');
    await writeFile(file, JSON.stringify(result));
  }
  expect(await coordinators.ended()).toEqual({ result, ledgerFile: other.ledger });
});
