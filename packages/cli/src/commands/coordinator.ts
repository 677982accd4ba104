/**
 * `facet coordinator`: the coordinator of one run, in this process. `facet up` starts the same command, with the hidden
 * options that tie it to its parent.
 */
import path from 'node:path';
import { Option, type Command } from 'commander';
import type { Candidate, RunResult } from '@facet/coordinator';
import type { EventFollower } from '@facet/lab/figures';
import { brokerCredentialsOf, httpLoginOf, requireSafeListening } from '@facet/security';
import {
  listeningHost,
  maskSecrets,
  OPERATION_DEFAULTS,
  operatorTokenOf,
  tokenOf,
  TrainingError,
  writeWhole,
  type BrokerPatience,
  type Mapping,
  type RunConfig,
} from '@facet/shared';
import { createLogger } from '@facet/telemetry';
import { readCodeVersion } from '../code-version.js';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, loadStoredConfig, readConfigFile, type LoadedConfig } from '../config/load-config.js';
import { logLevel } from '../config/log-level.js';
import { printJson, printLine, type CliContext, type CommandAction, type Environment } from '../context.js';
import { summaryLines } from '../display/summary.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { addStartOptions, prepareStart, type PreparedStart, type StartOptions } from '../launch/start-from.js';
import { afterGrace, GRACE_ABOUT, GRACE_DEFAULT, readGraceMs } from '../launch/grace.js';
import { createBrokerPatience } from '../launch/broker-patience.js';
import { tokenFile } from '../launch/run-token.js';
import { listenForStop, type StopSignals } from '../launch/stop-signals.js';
import { addTensorboardOption, startTensorboard } from '../launch/tensorboard.js';
import { INSECURE_ABOUT, openIdentity } from '../tls/open-identity.js';
import { removeAddressFile, writeAddressFile } from '../runs/address-file.js';
import { requireFreeName, runPaths, runsFolder, type RunPaths } from '../runs/run-folders.js';
import {
  accessOf,
  addStoreOption,
  chooseStore,
  openPlacedRun,
  pullStored,
  rememberStore,
  storeOfRun,
} from '../runs/run-place.js';
import { progressOf, type RunProgress } from '../runs/run-progress.js';
import { isSuccess, resultJson } from '../runs/run-result.js';
import { noticeReady } from '../service-notice.js';

interface CoordinatorCommandOptions extends ConfigOptions, StartOptions {
  readonly resume?: boolean;
  readonly resumeOrStart?: boolean;
  readonly grace: string;
  readonly standby?: boolean;
  readonly tensorboard?: boolean;
  readonly json?: boolean;
  readonly addressFile?: string;
  readonly resultFile?: string;
  readonly exitWithParent?: boolean;
  readonly ownBroker?: boolean;
  readonly insecure?: boolean;
  readonly store?: string;
}

/** How long a coordinator may take to close that must end: with its parent, the broker that it asks is gone as well. */
const CLOSE_MS = 10_000;

export function addCoordinatorCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('coordinator')
    .description('run the coordinator of a run; workers on any machine join it with `facet worker`');
  addTensorboardOption(addStoreOption(addStartOptions(addConfigOptions(command, 'coordinator'))))
    .option('--resume', 'continue the run instead of starting it')
    .option(
      '--resume-or-start',
      'continue the run if it has begun, otherwise start it: for schedulers; with --standby a run that has begun is waited for',
    )
    .option('--standby', 'wait beside the coordinator of a run, and take over when it is gone')
    .option('--grace <seconds>', GRACE_ABOUT, GRACE_DEFAULT)
    .option('--insecure', INSECURE_ABOUT)
    .option('--json', 'print one JSON object with the result as the last line of stdout')
    .addOption(new Option('--address-file <file>').hideHelp())
    .addOption(new Option('--result-file <file>').hideHelp())
    .addOption(new Option('--exit-with-parent').hideHelp())
    .addOption(new Option('--own-broker').hideHelp())
    .addHelpText('after', '\nExample:\n  facet coordinator --config facet.yaml --host 192.0.2.10 --port 5555')
    .action((options: CoordinatorCommandOptions) => run(() => coordinate(options, context)));
}

async function coordinate(options: CoordinatorCommandOptions, context: CliContext): Promise<ExitCode> {
  // Before anything that waits.
  using signals = listenForStop(context);
  try {
    return await lead(options, signals, context);
  } catch (caught) {
    // A standby that is told to end leaves the run as it is, and so does whoever waits for a broker.
    if (signals.stop.aborted && TrainingError.from(caught).code === 'CANCELLED') return stopCode(signals);
    throw caught;
  }
}

async function lead(given: CoordinatorCommandOptions, signals: StopSignals, context: CliContext): Promise<ExitCode> {
  const graceMs = readGraceMs(given.grace);
  const { env, store: namedStore } = chooseStore(given.store, context.env);
  const log = createLogger('coordinator', logLevel(env));
  // A broker of our own is up, or never will be.
  const patienceOf = ({ gatherMs: limitMs }: RunConfig['timeouts']): BrokerPatience | undefined =>
    given.ownBroker === true ? undefined : createBrokerPatience({ limitMs, signal: signals.stop, log });
  const place = { env, namedStore, patience: patienceOf(OPERATION_DEFAULTS.timeouts) };
  const named = given.resumeOrStart === true || continues(given) ? await nameOf(given, env) : undefined;
  const progress = named && (await pullProgress(named, given, place));
  if (progress === 'stopped') {
    printLine(context.stderr, 'this run was stopped by a person, so it is not continued; `--resume` continues it');
    return EXIT.interrupted;
  }
  // Of two that are started at once, one begins the run.
  const isBegun = progress !== 'none';
  const options = {
    ...given,
    resume: given.resume === true || progress === 'begun',
    standby: given.standby === true && isBegun,
  };
  const load = {
    ...{ env, runs: runsFolder(env), isAdversarial: options.adversarial },
    ...{ flags: configLayer(options, 'coordinator'), configFile: options.config },
  };
  const goesOn = named !== undefined && continues(options);
  const loaded = goesOn ? await loadStoredConfig(named.run, load) : await loadConfig(load);
  const paths = runPaths(runsFolder(env), loaded.config.run);
  const storePlace = continues(options) ? await storeOfRun(namedStore, paths) : namedStore;
  const start = await startOf(loaded, paths, options, context);
  const config = start?.config ?? loaded.config;
  const notes = [...loaded.notes, ...(start?.notes ?? [])];
  const addressFile = options.addressFile ?? paths.address;
  let candidate: Candidate | undefined = undefined;
  const endAtOnce = (code: ExitCode): void => {
    removeAddressFile(addressFile);
    if (candidate === undefined) context.exit(code);
    // Closing gives the lock of the run's folder back; the process must not stay for more than that.
    setTimeout(() => context.exit(code), CLOSE_MS).unref();
    void candidate.close();
  };
  if (options.exitWithParent) {
    context.onParentGone(() => {
      endAtOnce(EXIT.failed);
    });
  }
  using _grace = afterGrace(signals, graceMs, () => {
    endAtOnce(EXIT.again);
  });
  const patience = patienceOf(config.timeouts);
  const { startCandidate } = await import('@facet/coordinator');
  log.info({ config: maskSecrets(config) }, 'configuration');
  for (const note of notes) log.warn(note);
  const warning = requireSafeListening({
    what: 'the coordinator',
    hosts: [listeningHost(config.coordinator.host)],
    hasTls: config.tls !== undefined,
    isInsecure: options.insecure === true,
  });
  if (warning !== undefined) log.warn(warning);
  const tls = openIdentity({
    folder: config.tls?.folder,
    env: {},
    roles: ['coordinator'],
    onTrouble: (message) => {
      log.warn(message);
    },
  });
  const ready = (status: string): void => {
    noticeReady(context.env, status, (message) => {
      log.warn(message);
    });
  };
  await using store =
    storePlace === undefined
      ? undefined
      : await openPlacedRun(
          { store: storePlace, run: config.run },
          { env, tls, brokerUrl: config.nats.url, replicas: config.nats.replicas, patience },
        );
  let charts: EventFollower | undefined;
  const started = await startCandidate({
    config,
    store,
    tls,
    httpLogin: await httpLoginOf(env),
    brokerCredentials: brokerCredentialsOf(env),
    token: await tokenOf(env),
    operatorToken: await operatorTokenOf(env),
    hasOwnBroker: options.ownBroker === true,
    patience,
    runFolder: paths.folder,
    role: options.standby ? 'standby' : 'first',
    mode: continues(options) ? 'resume' : 'new',
    codeVersion: await readCodeVersion(env),
    log,
    async onLeading({ address, httpUrl }) {
      await rememberStore(paths, storePlace);
      if (options.tensorboard) {
        charts = await startTensorboard(paths, config, (message) => {
          log.warn(message);
        });
      }
      if (address === '') return;
      await writeAddressFile(addressFile, { run: config.run, address, httpUrl, pid: process.pid, tls: tls?.folder });
      ready(`leads run ${config.run} at ${address}`);
      if (!options.json) announce({ address, httpUrl, isSecure: tls !== undefined }, paths, context);
    },
    onWaiting(reason) {
      removeAddressFile(addressFile);
      ready(`stands by: ${reason}`);
      if (!options.json) printLine(context.stdout, `run ${config.run}: standing by; ${reason}`);
    },
  });
  candidate = started;
  const stopListening = context.onCheckpointSignal(() => {
    started.requestCheckpoint('SIGUSR1');
  });
  try {
    onceAborted(signals.stop, () => {
      if (signals.isTermination) started.requestHandOver('SIGTERM');
      else started.requestStop('a signal');
    });
    onceAborted(signals.kill, () => void started.close());
    const result = await started.done;
    await charts?.finish();
    return await report(result, { options, signals, context });
  } finally {
    stopListening();
    removeAddressFile(addressFile);
    await started.close();
  }
}

/** Makes and writes what a new run starts with, where this command was asked to. */
async function startOf(
  { config }: LoadedConfig,
  paths: RunPaths,
  options: CoordinatorCommandOptions,
  context: CliContext,
): Promise<PreparedStart | undefined> {
  if (options.from === undefined && options.freeze === undefined) return undefined;
  if (continues(options)) {
    throw new TrainingError(
      'CONFIG_INVALID',
      '--from and --freeze are for a new run; leave them out, or leave out --resume',
    );
  }
  requireFreeName(paths);
  const start = await prepareStart(config, options, context);
  await start?.write(paths);
  return start;
}

/** Fetches what its store has of a run. With --resume-or-start: how far the run has come. */
async function pullProgress(
  { paths, access }: NamedRun,
  { resume, resumeOrStart }: CoordinatorCommandOptions,
  { env, namedStore, patience }: LoadPlace,
): Promise<RunProgress | undefined> {
  try {
    await pullStored(await storeOfRun(namedStore, paths), paths, { env, checkpoints: 'none', patience, ...access });
  } catch (caught) {
    if (resumeOrStart === true && resume !== true && TrainingError.from(caught).code === 'RUN_NOT_FOUND') return 'none';
    throw caught;
  }
  return resumeOrStart === true ? progressOf(paths) : undefined;
}

/** A standby goes on with a run that has begun, as a resumed coordinator does. */
function continues({ resume, standby }: CoordinatorCommandOptions): boolean {
  return resume === true || standby === true;
}

interface LoadPlace {
  readonly env: Environment;
  readonly namedStore: string | undefined;
  /** For a broker that keeps the run. */
  readonly patience: BrokerPatience | undefined;
}

interface NamedRun {
  readonly run: string;
  readonly paths: RunPaths;
  readonly access: ReturnType<typeof accessOf>;
}

/**
 * The run that flags, environment or file name.
 *
 * @throws TrainingError CONFIG_INVALID when none of them does.
 */
async function nameOf(options: CoordinatorCommandOptions, env: Environment): Promise<NamedRun> {
  const flags = configLayer(options, 'coordinator');
  const file = options.config === undefined ? undefined : ((await readConfigFile(options.config)) as Mapping | null);
  const run = flags['run'] ?? env['FACET_RUN'] ?? file?.['run'];
  if (typeof run !== 'string') {
    throw new TrainingError(
      'CONFIG_INVALID',
      'run: missing, expected the name of the run to go on with, as --run, FACET_RUN or in the file',
    );
  }
  return { run, paths: runPaths(runsFolder(env), run), access: accessOf(flags, file) };
}

function announce(
  { address, httpUrl, isSecure }: { readonly address: string; readonly httpUrl: string; readonly isSecure: boolean },
  paths: RunPaths,
  { stdout }: CliContext,
): void {
  const run = path.basename(paths.folder);
  const token = tokenFile(paths);
  printLine(stdout, `run ${run}: coordinator at ${address}, metrics at ${httpUrl}/metrics`);
  printLine(stdout, `live page: ${httpUrl}/`);
  const certificates = isSecure ? ' --tls FOLDER' : '';
  printLine(
    stdout,
    `start workers with: FACET_RUN_TOKEN_FILE=${token} facet worker --coordinator ${address}${certificates}`,
  );
  printLine(stdout, `a worker on another machine needs a copy of ${token}, which only its owner may read`);
}

interface Reported {
  readonly options: CoordinatorCommandOptions;
  readonly signals: StopSignals;
  readonly context: CliContext;
}

async function report(result: RunResult, { options, signals, context }: Reported): Promise<ExitCode> {
  // What another coordinator goes on with has no result yet.
  if (options.resultFile !== undefined && result.outcome !== 'handed-over')
    await writeWhole(options.resultFile, JSON.stringify(result), 'owner');
  if (options.json) printJson(context.stdout, resultJson(result));
  else for (const line of summaryLines(result)) printLine(context.stdout, line);
  if (isSuccess(result)) return EXIT.ok;
  if (result.outcome === 'handed-over') return EXIT.again;
  if (result.outcome === 'stopped') return stopCode(signals);
  // Too few workers, for one: more may come.
  return result.code !== undefined && new TrainingError(result.code, '').isRetryable ? EXIT.again : EXIT.failed;
}

/** A scheduler goes on with what it ended; what a person ended stays so. */
function stopCode({ isTermination }: StopSignals): ExitCode {
  return isTermination ? EXIT.again : EXIT.interrupted;
}

function onceAborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
}
