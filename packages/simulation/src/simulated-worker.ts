/**
 * A worker process in the virtual world: the real membership and generation loop over virtual sockets and a tiny engine.
 */
import { CONFIG_VERSION, pause, TrainingError } from '@facet/shared';
import { ORDINARY_MEMORY } from '@facet/collective/internal';
import {
  allocateTrainingState,
  createCoordinatorSearch,
  createMembership,
  joinGeneration,
  type Membership,
  type WorkerNetwork,
  type WorkerOutcome,
} from '@facet/worker/internal';
import { openLeaseStore, shardFeedOf } from './broker-client.js';
import { openInletFrom, pullStateOver, startExchange } from './exchange.js';
import { openStream } from './join-call.js';
import type { Network } from './network.js';
import { traceLogger, type Trace } from './silent-sinks.js';
import { addressOf, CODE_VERSION, COORDINATORS, TOKEN } from './simulated-coordinator.js';
import { createTinyCompute, createTinyTask } from './tiny-compute.js';
import type { TinyRun } from './tiny-run.js';
import { Process } from './world.js';

/** What a worker became a part of. */
export interface SeenMembership {
  readonly workerId: string;
  readonly generation: number;
  readonly rank: number;
}

export interface SimulatedWorkerOptions {
  readonly run: TinyRun;
  readonly network: Network;
  readonly name: string;
  readonly onMembership: (seen: SeenMembership) => void;
  readonly onGradient: () => void;
  readonly onExit: (outcome: WorkerOutcome | TrainingError) => void;
  readonly trace: Trace | undefined;
}

/** Building an engine takes long, and a micro-batch does not always take the same time. */
const ENGINE_MS = { least: 20, most: 300 };
const MICRO_BATCH_MS = { least: 2, most: 12 };

export interface SimulatedWorker {
  readonly process: Process;
  /** Asks it to leave, as SIGTERM does. */
  leave(): void;
  /** Flips a bit of its weights, or of its moments; returns its last step, or undefined when it holds no state. */
  flipBit(of: 'weights' | 'm' | 'v'): number | undefined;
}

/** Starts a worker; it exits by itself at the end of the run. */
export function startWorker(options: SimulatedWorkerOptions): SimulatedWorker {
  const { run, network, name, onMembership, onGradient, onExit, trace } = options;
  const { world } = network;
  const process = new Process(world, name);
  const { clock } = process;
  const address = `${name}:1`;
  const leaving = new AbortController();
  let membership: Membership | undefined = undefined;
  const exchange = startExchange({
    ...{ network, process, address, run: run.config.run },
    exchangeKey: () => membership?.resources?.secrets.exchangeKey,
    snapshot: (step) => membership?.snapshot(step),
  });
  /** A worker that finds no broker ends, as a real one does. */
  const connect = async (): Promise<WorkerNetwork> => {
    const store = await openLeaseStore(network, process);
    return {
      clock,
      shards: shardFeedOf(network, process),
      exchange,
      openInlet: openInletFrom(network, process),
      pullState: pullStateOver(network, process),
      leaderAddress: async () => {
        const { held } = (await store.read().catch(() => undefined)) ?? {};
        return held?.entry.address === '' ? undefined : held?.entry.address;
      },
      close: () => store.close(),
    };
  };
  const joined = createMembership({
    hello: {
      workerId: name,
      codeVersion: CODE_VERSION,
      configVersion: CONFIG_VERSION,
      host: name,
      pid: 1,
      exchangeAddress: address,
      metricsUrl: '',
      cores: 1,
    },
    token: TOKEN,
    connect: createCoordinatorSearch({
      addresses: (run.hasStandby ? COORDINATORS : COORDINATORS.slice(0, 1)).map(addressOf),
      leader: async () => membership?.resources?.network.leaderAddress(run.config.run, new Uint8Array()),
      open: (place) => openStream(network, process, place),
    }),
    async prepare(welcome, secrets) {
      await pause(clock, world.between(ENGINE_MS.least, ENGINE_MS.most));
      const { config, plan, data } = run;
      const { fields } = data;
      const durationMs = (): number => world.between(MICRO_BATCH_MS.least, MICRO_BATCH_MS.most);
      const task = createTinyTask(config.batch.micro);
      const compute = createTinyCompute({ task, clock, durationMs, onGradient });
      const state = allocateTrainingState(compute.weights, config.optimizer);
      const engine = { name: 'onnxruntime', device: 'cpu' } as const;
      const surroundings = { network: await connect(), memory: ORDINARY_MEMORY, data: undefined };
      return { welcome, secrets, config, plan, task, fields, compute, engine, threads: 1, state, ...surroundings };
    },
    join: joinGeneration,
    metrics: {
      recordStep: () => undefined,
      recordMembership: ({ generation, rank }) => {
        onMembership({ workerId: name, generation, rank });
      },
      recordFault: () => undefined,
      recordForgedShard: () => undefined,
    },
    clock,
    log: traceLogger(name, () => world.nowMs, trace),
    signal: leaving.signal,
  });
  membership = joined;
  const exit = (outcome: WorkerOutcome | TrainingError): void => {
    if (process.isDead) return;
    process.kill();
    onExit(outcome);
  };
  joined.run().then(exit, (caught: unknown) => {
    exit(TrainingError.from(caught));
  });
  return {
    process,
    leave: () => {
      process.receive(() => {
        leaving.abort();
      });
    },
    flipBit: (of) => {
      const state = joined.resources?.state;
      if (state?.appliedStep === undefined) return undefined;
      const { buffer, byteOffset } = state[of];
      new Uint8Array(buffer, byteOffset)[1]! ^= 1;
      return state.appliedStep;
    },
  };
}
