/**
 * A coordinator process in the virtual world: the real assembly of conductor, intake, commit log, checkpointer and publisher
 * over virtual sockets and a virtual disk. It starts as a real one does: read what is there, then go on or begin.
 */
import {
  assembleRun,
  createShardSource,
  JoinSession,
  readEarlierRun,
  resumeRecord,
  type Ending,
  type RunAssembly,
} from '@facet/coordinator/internal';
import { TrainingError } from '@facet/shared';
import { connectPublisher } from './broker-client.js';
import type { Disk } from './disk.js';
import type { ExchangeRequest } from './exchange.js';
import { serverCall } from './join-call.js';
import type { Endpoint, Network } from './network.js';
import { NO_METRICS, traceLogger, type Trace } from './silent-sinks.js';
import type { TinyRun } from './tiny-run.js';
import { Process } from './world.js';

export const COORDINATOR_ADDRESS = 'coordinator:1';
export const CODE_VERSION = 'simulated';

/** Reading the ledger and the checkpoint. */
const START_MS = { least: 5, most: 100 };

export interface SimulatedCoordinatorOptions {
  readonly run: TinyRun;
  readonly network: Network;
  readonly disk: Disk;
  /** The process ends: the run is over, or it could not start. */
  readonly onExit: (ending: Ending | TrainingError) => void;
  readonly trace: Trace | undefined;
}

/** Starts a coordinator, of a new run or to go on with the one on disk. */
export function startCoordinator(options: SimulatedCoordinatorOptions): Process {
  const { network, onExit } = options;
  const { world } = network;
  const process = new Process(world, 'coordinator');
  const exit = (ending: Ending | TrainingError): void => {
    if (process.isDead) return;
    process.kill();
    onExit(ending);
  };
  process.clock.schedule(world.between(START_MS.least, START_MS.most), () => {
    open(options, process).then(exit, (caught: unknown) => {
      exit(TrainingError.from(caught));
    });
  });
  return process;
}

/** Resolves to the ending; never, when the process is killed before it. */
async function open(options: SimulatedCoordinatorOptions, process: Process): Promise<Ending> {
  const { run, network, disk, trace } = options;
  const { config, plan, dataset, record } = run;
  let failRun: (error: TrainingError) => void = () => undefined;
  const ledger = disk.openLedger(process, (error) => {
    failRun(error);
  });
  const { checkpoint } = disk;
  const earlier = readEarlierRun(ledger.records, checkpoint, plan);
  if (earlier.isFinished) return { outcome: 'finished', message: 'the run was finished already' };
  const mode = ledger.records.length === 0 ? 'new' : 'resume';
  if (mode === 'resume') await ledger.append(resumeRecord(earlier, process.clock.wallTime()));
  const broker = await connectPublisher(network, process, config.run);
  return new Promise((resolve) => {
    const assembly = assembleRun({
      config,
      mode,
      codeVersion: CODE_VERSION,
      plan,
      dataset,
      earlier,
      folder: { checkpointsPath: 'checkpoints', checkpoint, ledger },
      broker,
      source: createShardSource({ config, plan, dataset }),
      io: disk.checkpointIo(network, process),
      metrics: NO_METRICS,
      clock: process.clock,
      log: traceLogger('coordinator', () => network.world.nowMs, trace),
      isLeading: () => true,
      onFenced: () => undefined,
      onEnd: (ending) => {
        void close(assembly, ending).then(() => {
          resolve(ending);
        });
      },
    });
    failRun = assembly.fail;
    network.listen(process, COORDINATOR_ADDRESS, (endpoint, request) => {
      serve(assembly, process, { endpoint, request });
    });
    // A failure has ended the run already.
    if (mode === 'new') ledger.append(record).catch(() => undefined);
  });
}

function serve(
  { term, conductor, checkpointer }: RunAssembly,
  { clock }: Process,
  { endpoint, request }: { readonly endpoint: Endpoint; readonly request: unknown },
): void {
  if (request === 'join') {
    new JoinSession({
      call: serverCall(endpoint, COORDINATOR_ADDRESS),
      term,
      codeVersion: CODE_VERSION,
      handler: conductor,
      clock,
    });
    return;
  }
  const { step } = request as Extract<ExchangeRequest, { kind: 'state' }>;
  checkpointer.stateOf(step).then(
    ({ state, weightsCrc }) => {
      endpoint.send({ ...state, weightsCrc });
      endpoint.close();
    },
    () => {
      endpoint.send(undefined);
      endpoint.close();
    },
  );
}

/** As a real coordinator does at its end. */
async function close(assembly: RunAssembly, ending: Ending): Promise<void> {
  const { conductor, checkpointer, publisher, recorder, intake } = assembly;
  conductor.close();
  await checkpointer.close();
  await recorder.append({ kind: 'end', reason: ending.outcome, step: intake.committedStep });
  await publisher.close('delete-stream');
}
