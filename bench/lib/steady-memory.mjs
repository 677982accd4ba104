// The memory of a worker's engine over many micro-batches, in a process of its own: answers {preset, microBatches, after}
// with the resident set in MB after `after` micro-batches, when everything has been allocated once, and at the end.

import { openPresetCompute } from './preset-bench.mjs';
import { servePeer } from './peer-process.mjs';

const residentMB = () => process.memoryUsage.rss() / 1e6;

await servePeer(async ({ preset, microBatches, after }) => {
  const compute = await openPresetCompute(preset);
  let settledMB;
  for (let i = 1; i <= microBatches; i++) {
    await compute.run();
    if (i === after) settledMB = residentMB();
  }
  const endMB = residentMB();
  await compute.close();
  return { settledMB, endMB };
});
