/**
 * `facet worker`: one worker, in this process. It learns everything about the run from the coordinator; the flags say only
 * what is of this machine.
 */
import { Option, type Command } from 'commander';
import type { WorkerOutcome } from '@facet/worker';
import { brokerUrlProblem, maskUrl, parseErrorCode, parseHost, TrainingError, type EngineWish } from '@facet/shared';
import { brokerCredentialsOf, httpLoginOf } from '@facet/security';
import { createLogger } from '@facet/telemetry';
import { readCodeVersion } from '../code-version.js';
import { DEVICE_ABOUT, ENGINE_ABOUT, readEngineFlags, type EngineFlags } from '../config/engine-flags.js';
import { logLevel } from '../config/log-level.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { MOST_PORT } from '../config/port-option.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { afterGrace, GRACE_ABOUT, GRACE_DEFAULT, readGraceMs } from '../launch/grace.js';
import { requireToken } from '../launch/run-token.js';
import { listenForStop, type StopSignals } from '../launch/stop-signals.js';
import { INSECURE_ABOUT, openIdentity, TLS_ABOUT, TLS_FLAG } from '../tls/open-identity.js';

interface WorkerCommandOptions extends EngineFlags {
  readonly coordinator: string;
  readonly listen?: string;
  readonly port: string;
  readonly advertise?: string;
  readonly nats?: string;
  readonly tls?: string;
  readonly insecure?: boolean;
  readonly plainMetrics?: boolean;
  readonly threads?: string;
  readonly metricsPort?: string;
  readonly dataFolder?: string;
  readonly task?: string;
  readonly grace: string;
  readonly json?: boolean;
  readonly exitWithParent?: boolean;
}

/** As the value of --metrics-port. */
const SAME_PORT = 'same';
const MAX_THREADS = 1_024;

export function addWorkerCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('worker')
    .description(
      'run one worker: it joins the run of a coordinator and trains until the run ends; FACET_RUN_TOKEN_FILE names a copy of the ' +
        "run's run.token",
    )
    .requiredOption(
      '--coordinator <host:port>',
      'address that the coordinator prints; with standbys all of them, separated by commas',
    )
    .option(
      '--listen <host>',
      'address of this machine at which the coordinator and other workers reach it; auto: every one (default: the one that ' +
        'reaches the coordinator)',
    )
    .option('--port <number>', 'port for other workers, probes and metrics; 0 takes any free one', '0')
    .option(
      '--advertise <host[:port]>',
      'what other workers are told instead of --listen and --port: where a container or a router forwards to them',
    )
    .option('--nats <url>', 'the broker as this worker reaches it (default: as the coordinator does)')
    .option(TLS_FLAG, TLS_ABOUT)
    .option('--engine <name>', `${ENGINE_ABOUT} (default: as the run says)`)
    .option('--device <name>', `${DEVICE_ABOUT} (default: as the run says)`)
    .option('--threads <number>', 'threads of this worker; 0 divides the cores (default: as the run says)')
    .option(
      '--metrics-port <number>',
      'a port of their own for probes and metrics; 0 takes any free one (default: the one of --port; with --plain-metrics 0)',
    )
    .option('--insecure', INSECURE_ABOUT)
    .option('--plain-metrics', 'with --tls: metrics without TLS and certificate')
    .option('--data-folder <folder>', "folder with the dataset's files, for runs with data: local")
    .option('--task <file>', "the module of the run's task, where it lies elsewhere than on the coordinator's machine")
    .option('--grace <seconds>', GRACE_ABOUT, GRACE_DEFAULT)
    .option('--json', 'print one JSON object with the outcome as the last line of stdout')
    .addOption(new Option('--exit-with-parent').hideHelp())
    .addHelpText('after', '\nExample:\n  FACET_RUN_TOKEN_FILE=run.token facet worker --coordinator 10.0.0.5:5555')
    .action((options: WorkerCommandOptions) => run(() => work(options, context)));
}

async function work(options: WorkerCommandOptions, context: CliContext): Promise<ExitCode> {
  const { listen: listenHost, advertise: advertisedAddress, nats: brokerUrl, dataFolder } = options;
  const machine = readMachineOptions(options);
  const graceMs = readGraceMs(options.grace);
  if (options.exitWithParent) {
    context.onParentGone(() => {
      context.exit(EXIT.failed);
    });
  }
  using signals = listenForStop(context);
  signals.kill.addEventListener('abort', () => {
    context.exit(EXIT.interrupted);
  });
  using _grace = afterGrace(signals, graceMs, () => {
    context.exit(EXIT.again);
  });
  const log = createLogger('worker', logLevel(context.env));
  const tls = openIdentity({
    folder: options.tls,
    env: context.env,
    roles: ['worker'],
    onTrouble: (message) => {
      log.warn(message);
    },
  });
  const { openTask } = await import('@facet/lab');
  const { requireInstalled } = await import('@facet/engine');
  const { runWorker } = await import('@facet/worker');
  requireInstalled(machine.engine.name, context.env);
  const token = await requireToken(context.env);
  const outcome = await runWorker({
    ...machine,
    token,
    isInsecure: options.insecure === true,
    ...(listenHost !== undefined && { listenHost }),
    ...(advertisedAddress !== undefined && { advertisedAddress }),
    ...(brokerUrl !== undefined && { brokerUrl }),
    ...(dataFolder !== undefined && { dataFolder }),
    ...(options.task !== undefined && { taskFile: options.task }),
    openTask,
    codeVersion: await readCodeVersion(context.env),
    log,
    tls,
    httpLogin: await httpLoginOf(context.env),
    brokerCredentials: brokerCredentialsOf(context.env),
    hasPlainMetrics: options.plainMetrics === true,
    signal: signals.stop,
  });
  return report(outcome, { options, signals, context });
}

interface MachineOptions {
  readonly coordinatorAddresses: readonly string[];
  readonly exchangePort: number;
  readonly metricsPort: number | 'same';
  readonly engine: Partial<EngineWish>;
  readonly threads?: number;
}

/** @throws TrainingError CONFIG_INVALID with every option that is wrong. */
function readMachineOptions(options: WorkerCommandOptions): MachineOptions {
  const problems: string[] = [];
  const { coordinator, threads, port: exchangePort, advertise, nats } = options;
  const coordinatorAddresses = coordinator.split(',').map((address) => address.trim());
  for (const address of coordinatorAddresses) {
    if (isAddress(address)) continue;
    problems.push(`--coordinator: '${address}', expected HOST:PORT, as the coordinator prints it`);
  }
  if (advertise !== undefined && parseHost(advertise) === undefined) {
    problems.push(`--advertise: '${advertise}', expected HOST or HOST:PORT, at which other workers reach this one`);
  }
  const wrongBroker = nats === undefined ? undefined : brokerUrlProblem(nats);
  if (nats !== undefined && wrongBroker !== undefined) problems.push(`--nats: '${maskUrl(nats)}', ${wrongBroker}`);
  const isApart = options.plainMetrics === true;
  const { metricsPort = isApart ? '0' : SAME_PORT } = options;
  if (isApart && metricsPort === SAME_PORT) {
    problems.push(
      '--metrics-port: same, expected a number: with --plain-metrics they are without TLS, and --port has it',
    );
  }
  const { wish, problems: engineProblems } = readEngineFlags(options);
  problems.push(...engineProblems);
  const readCount = (flag: string, given: string, most: number): number => {
    if (!/^\d+$/.test(given) || Number(given) > most) {
      problems.push(`${flag}: '${given}', expected a whole number from 0 to ${most}`);
    }
    return Number(given);
  };
  const read: MachineOptions = {
    coordinatorAddresses,
    exchangePort: readCount('--port', exchangePort, MOST_PORT),
    metricsPort: metricsPort === SAME_PORT ? SAME_PORT : readCount('--metrics-port', metricsPort, MOST_PORT),
    engine: wish,
    ...(threads !== undefined && { threads: readCount('--threads', threads, MAX_THREADS) }),
  };
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('\n'));
  return read;
}

function isAddress(text: string): boolean {
  return parseHost(text)?.port !== undefined;
}

interface Reported {
  readonly options: WorkerCommandOptions;
  readonly signals: StopSignals;
  readonly context: CliContext;
}

function report(outcome: WorkerOutcome, { options: { json }, signals, context: { stdout } }: Reported): ExitCode {
  const { outcome: kind, message = '' } = outcome;
  if (kind === 'refused') {
    const [, code = '', text = message] = /^([A-Z_]+): (.*)$/s.exec(message) ?? [];
    throw new TrainingError(parseErrorCode(code), `the coordinator refused this worker: ${text}`);
  }
  if (json) printJson(stdout, outcome);
  else printLine(stdout, `worker: ${kind}${message === '' ? '' : `: ${message}`}`);
  switch (kind) {
    case 'finished':
      return EXIT.ok;
    case 'stopped':
      return EXIT.interrupted;
    case 'left':
      return signals.isTermination ? EXIT.again : EXIT.interrupted;
    case 'failed':
      return EXIT.failed;
    default:
      return kind satisfies never;
  }
}
