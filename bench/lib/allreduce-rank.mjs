// One rank of the all-reduce bench: a process with the worker's real exchange server and mesh, and no engine. Answers
// {kind: 'listen'}, then {kind: 'join', ports, ask: {length, transport, format, bucketBytes?, messageBytes?}} for every length, and {kind: 'steps', count}.

import { OPERATION_DEFAULTS } from '../../packages/shared/dist/index.js';
import { createFloatMemory } from '../../packages/worker/dist/collective/float-memory.js';
import { gradientFormat } from '../../packages/worker/dist/collective/formats/gradient-format.js';
import { roundInTurns } from '../../packages/worker/dist/collective/formats/round-in-turns.js';
import { openMesh } from '../../packages/worker/dist/collective/mesh.js';
import { startExchangeServer } from '../../packages/worker/dist/collective/exchange-server.js';
import { servePeer } from './peer-process.mjs';
import { timeSteps } from './step-timer.mjs';

const RUN = 'bench';

const server = await startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot: () => undefined });
const memory = createFloatMemory();
let generation = 0;
let mesh;
let reduce;

async function join({ rank, ports, ask: { length, transport, format: name, ...cut } }) {
  mesh?.close();
  generation++;
  // Before the mesh opens: a thread that computes for long does not answer its peers' keepalive.
  memory.reset();
  const values = memory.allocate(length);
  for (let i = 0; i < length; i++) values[i] = ((i * 7 + rank) % 1009) / 1009;
  const output = memory.allocate(length);
  const format = gradientFormat({ name, exactFrom: length, seed: 1 });
  mesh = await openMesh({
    server,
    run: RUN,
    generation,
    rank,
    peers: ports.map((port, of) => ({ rank: of, workerId: `rank-${of}`, address: `127.0.0.1:${port}` })),
    length,
    format,
    bucketBytes: cut.bucketBytes ?? OPERATION_DEFAULTS.bucketBytes,
    messageBytes: cut.messageBytes ?? OPERATION_DEFAULTS.exchange.messageBytes,
    transport,
    allocate: memory.allocate,
    timeoutMs: 60_000,
    firstStep: 1,
    microBatches: () => ports.length,
    onFailure: () => undefined, // The step that waits for the peer fails with the same error.
    signal: new AbortController().signal,
  });
  let step = 0;
  const subtree = { level: 0, index: rank };
  reduce = async () => {
    step++;
    // A worker rounds every micro-batch's gradient, which is a cost of the format too.
    await roundInTurns(format, values, { step, ...subtree });
    return mesh.allReduce.reduce(step, [{ subtree, values }], output);
  };
  return {};
}

await servePeer((question) => {
  if (question.kind === 'listen') return { port: server.port };
  return question.kind === 'join' ? join(question) : timeSteps(question.count, reduce);
});
mesh?.close();
server.close();
