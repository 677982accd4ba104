/**
 * Many workers that compute nothing in one process: each has a membership and a stream to the coordinator of its own, as every
 * worker has. They share what does not differ between workers of one machine: the connection to the broker, the port for peers
 * and the plan.
 */
import { hostname } from 'node:os';
import { createLogger } from '@facet/telemetry';
import { startExchangeServer, type ExchangeServer } from '@facet/collective';
import type { Welcome } from '@facet/proto';
import {
  CONFIG_VERSION,
  configSchema,
  createPlan,
  formatAddress,
  systemClock,
  TrainingError,
  type RunToken,
  type StateSnapshot,
  type WelcomeSecrets,
} from '@facet/shared';
import { layoutParameters } from '@facet/task';
import { createCoordinatorSearch } from '../coordinator-search.js';
import { openCoordinatorStream, type CoordinatorStream } from '../coordinator-stream.js';
import { createMembership, type Membership, type WorkerOutcome } from '../membership.js';
import { allocateTrainingState } from '../train/training-state.js';
import { connectWorker, socketNetwork, type WorkerNetwork } from '../worker-network.js';
import { joinIdleGeneration, type IdleResources, type Meeting } from './idle-generation.js';
import { StepAccounts } from './idle-results.js';

export interface IdleCrewOptions {
  readonly size: number;
  /** What its workers' ids begin with; unlike that of every other crew. */
  readonly name: string;
  /** host:port of every coordinator that may lead the run. */
  readonly coordinatorAddresses: readonly string[];
  /** Its workers share one connection, which is made before a hundred of them say Hello at once. */
  readonly broker: { readonly run: string; readonly url: string };
  readonly token: RunToken;
  readonly codeVersion: string;
  readonly meeting: Meeting;
  /** What the arithmetic of a piece of work would take. */
  readonly workMs: number;
  readonly events: IdleCrewEvents;
}

export interface IdleCrewEvents {
  /** A worker was told Start. */
  onStart(generation: number, worldSize: number): void;
  /** A worker finished a step, and is about to say so. */
  onStep(step: number): void;
  /** A worker has ended, by itself or with the run. */
  onOutcome(outcome: WorkerOutcome): void;
  /** Sees and may replace the streams of the first worker, whose messages stand for everybody's. */
  watch(stream: CoordinatorStream): CoordinatorStream;
}

export interface IdleCrew extends AsyncDisposable {
  /** Runs all workers until the run ends or they give up. */
  run(): Promise<readonly WorkerOutcome[]>;
}

const HOST = '127.0.0.1';
const PROGRAM_SHA256 = '0'.repeat(64);
const LAYOUT = layoutParameters([
  { name: 'step', shape: [2], initialiser: { kind: 'constant', value: 0 }, decays: false },
]);

/** Opens the port for peers; nobody says Hello yet. */
export async function openIdleCrew(options: IdleCrewOptions): Promise<IdleCrew> {
  const members: Membership<IdleResources>[] = [];
  const snapshot = (step: number): StateSnapshot | undefined => {
    for (const member of members) {
      const found = member.snapshot(step);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const known = (): IdleResources | undefined => members.find(({ resources }) => resources !== undefined)?.resources;
  const exchange = await startExchangeServer({
    host: HOST,
    run: () => known()?.welcome.run,
    exchangeKey: () => known()?.secrets.exchangeKey,
    snapshot,
  });
  const { broker } = options;
  const connection = await connectWorker({ url: broker.url }, { run: broker.run }).catch((caught: unknown) => {
    exchange.close();
    throw caught;
  });
  const network = socketNetwork(connection, exchange, undefined);
  const common = new CrewResources(options, network);
  for (let index = 0; index < options.size; index++) members.push(createMember(index, { options, common, exchange }));
  return {
    run: () =>
      Promise.all(
        members.map(async (member) => {
          const outcome = await outcomeOf(member);
          options.events.onOutcome(outcome);
          return outcome;
        }),
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member.end('the crew ends')));
      exchange.close();
      await network.close();
    },
  };
}

interface MemberParts {
  readonly options: IdleCrewOptions;
  readonly common: CrewResources;
  readonly exchange: ExchangeServer;
}

function createMember(index: number, { options, common, exchange }: MemberParts): Membership<IdleResources> {
  const { name, coordinatorAddresses, token, codeVersion, events } = options;
  const open = async (address: string): Promise<CoordinatorStream> => {
    const stream = await openCoordinatorStream(address);
    return index === 0 ? events.watch(stream) : stream;
  };
  const member: Membership<IdleResources> = createMembership({
    hello: {
      workerId: `${name}-${String(index).padStart(4, '0')}`,
      codeVersion,
      configVersion: CONFIG_VERSION,
      host: hostname(),
      pid: process.pid,
      exchangeAddress: formatAddress(HOST, exchange.port),
      metricsUrl: '',
      cores: 1,
    },
    token,
    connect: createCoordinatorSearch({
      addresses: coordinatorAddresses,
      leader: async () => {
        const { resources } = member;
        return resources?.network.leaderAddress(resources.welcome.run, resources.secrets.leaseKey);
      },
      open,
    }),
    prepare: (welcome, secrets) => Promise.resolve(common.of(welcome, secrets)),
    join: joinIdleGeneration,
    metrics: {
      recordStep: ({ step }) => {
        events.onStep(step);
      },
      recordMembership: () => undefined,
      recordFault: () => undefined,
      recordForgedShard: () => undefined,
    },
    clock: systemClock,
    log: createLogger('worker', 'silent'),
    signal: new AbortController().signal,
  });
  return member;
}

/** A worker that gives up has an outcome too: the others go on. */
async function outcomeOf(member: Membership<IdleResources>): Promise<WorkerOutcome> {
  try {
    return await member.run();
  } catch (caught) {
    const { code, message } = TrainingError.from(caught);
    return { outcome: 'failed', message: `${code}: ${message}` };
  }
}

/** What the members of a crew have in common, made with the first Welcome. */
class CrewResources {
  readonly #options: IdleCrewOptions;
  readonly #network: WorkerNetwork;
  #shared: SharedResources | undefined;

  constructor(options: IdleCrewOptions, network: WorkerNetwork) {
    this.#options = options;
    this.#network = network;
  }

  of(welcome: Welcome, secrets: WelcomeSecrets): IdleResources {
    const { meeting, workMs, events } = this.#options;
    const network = this.#network;
    this.#shared ??= shareResources(welcome);
    const shared = this.#shared;
    const compute = { layout: LAYOUT, programSha256: PROGRAM_SHA256, weightsChanged: () => undefined };
    return {
      ...{ welcome, secrets, ...shared, compute, network, meeting, workMs },
      engine: { name: 'onnxruntime', device: 'cpu' },
      threads: 1,
      state: allocateTrainingState(new Float32Array(LAYOUT.length), shared.config.optimizer),
      clock: network.clock,
      shards: network.shards,
      onStart: (generation, worldSize) => {
        events.onStart(generation, worldSize);
      },
    };
  }
}

type SharedResources = Pick<IdleResources, 'config' | 'plan' | 'accounts' | 'fields'>;

/** Each would work out the same. */
function shareResources(welcome: Welcome): SharedResources {
  const config = configSchema.parse(JSON.parse(welcome.configDocument.toString('utf8')));
  const plan = createPlan(config, { trainSamples: welcome.trainSamples, testSamples: welcome.testSamples });
  return { config, plan, accounts: new StepAccounts(config, plan), fields: {} };
}
