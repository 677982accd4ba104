/**
 * One rank of the all-reduce bench: a process with the worker's real exchange server and mesh, and no engine. It may join
 * again, for another length, format or cut. Its argument is a TLS folder; without one, nothing is encrypted.
 */
import { OPERATION_DEFAULTS, PassSigner } from '@facet/shared';
import {
  createFloatMemory,
  gradientFormat,
  openInlet,
  openMesh,
  startExchangeServer,
  type Mesh,
} from '@facet/collective';
import { TlsIdentity } from '@facet/security';
import { roundInTurns } from '@facet/collective/internal';
import type { RankJoin, RankQuestion } from '../process/rank-world.js';
import { servePeer } from '../process/serve-peer.js';
import type { ExchangeAsk } from './exchange-ask.js';
import { timeSteps } from './step-timer.js';

const RUN = 'bench';
const PASSES = new PassSigner(new Uint8Array(32));

const [, , folder] = process.argv;
const tls = folder === undefined ? undefined : new TlsIdentity(folder, { roles: ['worker'] });

const server = await startExchangeServer({
  tls,
  host: '127.0.0.1',
  run: () => RUN,
  exchangeKey: () => PASSES.publicKey,
  snapshot: () => undefined,
});
const memory = createFloatMemory();
let generation = 0;
let mesh: Mesh | undefined;
let reduce = (): Promise<unknown> => Promise.reject(new Error('steps were asked for before joining'));

async function join({ rank, ports, ask }: RankJoin<ExchangeAsk>): Promise<object> {
  mesh?.close();
  generation++;
  // Before the mesh opens: a thread that computes for long does not answer its peers' keepalive.
  memory.reset();
  const values = memory.allocate(ask.length);
  for (let i = 0; i < ask.length; i++) values[i] = ((i * 7 + rank) % 1009) / 1009;
  const output = memory.allocate(ask.length);
  const format = gradientFormat({ name: ask.format, exactFrom: ask.length, seed: 1 });
  const opened = await openMesh({
    server,
    openInlet: (options) => openInlet({ ...options, tls }),
    run: RUN,
    pass: PASSES.forFrames({ run: RUN, generation, rank }),
    generation,
    rank,
    peers: ports.map((port, of) => ({ rank: of, workerId: `rank-${of}`, address: `127.0.0.1:${port}` })),
    length: ask.length,
    format,
    bucketBytes: ask.bucketBytes ?? OPERATION_DEFAULTS.bucketBytes,
    messageBytes: ask.messageBytes ?? OPERATION_DEFAULTS.exchange.messageBytes,
    transport: ask.transport,
    allocate: memory.allocate,
    timeoutMs: 60_000,
    firstStep: 1,
    microBatches: () => ports.length,
    onFailure: () => undefined, // The step that waits for the peer fails with the same error.
    signal: new AbortController().signal,
  });
  mesh = opened;
  let step = 0;
  const subtree = { level: 0, index: rank };
  reduce = async () => {
    step++;
    // A worker rounds every micro-batch's gradient, which is a cost of the format too.
    await roundInTurns(format, values, { step, ...subtree });
    return opened.allReduce.reduce(step, [{ subtree, values }], output);
  };
  return {};
}

await servePeer<RankQuestion<ExchangeAsk>>((question) => {
  switch (question.kind) {
    case 'listen':
      return { port: server.port };
    case 'join':
      return join(question);
    case 'steps':
      return timeSteps(question.count, reduce);
    default:
      return question satisfies never;
  }
});
mesh?.close();
server.close();
