// One rank of the all-reduce bench: a process with the worker's real exchange server and mesh, and no engine.

import { openMesh } from '../../packages/worker/dist/collective/mesh.js';
import { startExchangeServer } from '../../packages/worker/dist/collective/exchange-server.js';

const RUN = 'bench';
const BUCKET_BYTES = 1024 * 1024;

const server = await startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot: () => undefined });
process.send(server.port);

process.once('message', async ({ rank, ports, length, steps, transport }) => {
  const worldSize = ports.length;
  // Before the mesh opens: a thread that computes for long does not answer its peers' keepalive.
  const own = Float32Array.from({ length }, (_, i) => ((i * 7 + rank) % 1009) / 1009);
  const mesh = await openMesh({
    server,
    run: RUN,
    generation: 1,
    rank,
    peers: ports.map((port, of) => ({ rank: of, workerId: `rank-${of}`, address: `127.0.0.1:${port}` })),
    length,
    bucketBytes: BUCKET_BYTES,
    transport,
    timeoutMs: 60_000,
    firstStep: 1,
    microBatches: () => worldSize,
    onFailure: (error) => {
      throw error;
    },
    signal: new AbortController().signal,
  });
  const output = new Float32Array(length);
  const values = new Float32Array(length);
  const milliseconds = [];
  const cpuBefore = process.cpuUsage();
  for (let step = 1; step <= steps; step++) {
    values.set(own);
    const startedAt = performance.now();
    await mesh.allReduce.reduce(step, [{ subtree: { level: 0, index: rank }, values }], output);
    milliseconds.push(performance.now() - startedAt);
  }
  const cpu = process.cpuUsage(cpuBefore);
  process.send({ milliseconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 });
});
