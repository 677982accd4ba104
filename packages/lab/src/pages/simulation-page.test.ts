import { expect, it } from 'vitest';
import type { SimulationDocument } from '../simulation/predict-worlds.js';
import { simulationPage } from './simulation-page.js';

const prediction = (seconds: number) => ({
  ...{ seconds, coreSeconds: seconds / 2, linkSeconds: seconds, hopSeconds: 0 },
  ...{ peers: 3, messages: 12, bytesSent: 3e6, bytesToOtherHosts: 1e6 },
});
const DOCUMENT: SimulationDocument = {
  made: { at: '2026-11-29T01:20:00.000Z', version: '0.1.0+test' },
  bytes: 4e6,
  cluster: { ranksPerHost: 2, coresPerHost: 2, linkBytesPerSecond: 1.25e9, hopSeconds: 5e-5 },
  costs: { perByte: 1e-9, perMessage: 1e-4, perAddedByte: 1e-10 },
  worlds: [
    { ranks: 2, hosts: 1, direct: prediction(0.01), best: { ...prediction(0.01), groupSize: 2 } },
    {
      ...{ ranks: 4, hosts: 2, direct: prediction(0.04), byHost: prediction(0.03) },
      best: { ...prediction(0.0212), groupSize: 2 },
    },
  ],
};

it('shows every world, its curves, and what the prediction rests on', () => {
  const page = simulationPage(DOCUMENT);
  const text = page.replace(/<style>[^]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ');
  expect(text).toContain('ranks per host: 2, cores per host: 2, link: 10 Gbit/s, hop: 50 us');
  expect(text).toContain('4 40 ms 30 ms 21 ms 2 link 3 12 3.0 MB 1.0 MB');
  expect(text).toContain('2 10 ms 10 ms all link');
  expect(text).toContain('2026-11-29 01:20 UTC');
  // Each curve in both drawings, and its key in the legend.
  expect(page.match(/<path class="curve"/g)).toHaveLength(9);
  expect(page).not.toContain('NaN');
});
