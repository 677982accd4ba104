/**
 * `facet chaos`: trains once in peace and then again and again while a seeded schedule harms processes and links, for as
 * long as it was told to. Every run must end with the same bits and an exact ledger.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { TrainingError, type Mapping } from '@facet/shared';
import { launchUnderChaos, type ChaosSetup } from '../chaos/chaos-launch.js';
import { countFaults, judgeTrial, type ChaosReport, type ChaosTrial } from '../chaos/chaos-report.js';
import { chaosFaults, type ChaosFault } from '../chaos/chaos-schedule.js';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, type LoadedConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { checkLaunch, MAX_LOCAL_WORKERS } from '../launch/preflight.js';
import { listenForStop, type StopSignals } from '../launch/stop-signals.js';
import { launchTraining } from '../launch/training-launch.js';
import {
  claimRunFolder,
  defaultRunName,
  requireFreeName,
  runPaths,
  runsFolder,
  type RunPaths,
} from '../runs/run-folders.js';

interface ChaosOptions extends ConfigOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly every: number;
  readonly secure?: boolean;
  readonly standby?: boolean;
  readonly store?: string;
  readonly brokers: string;
  readonly json?: boolean;
}

/** The one that every machine has, with a preset that trains in minutes. */
const DEFAULT_DATASET = 'mnist';
const MS_PER_SECOND = 1_000;
const SECONDS_PER_MINUTE = 60;
/** A run under faults may take this many times as long as one without, and this much more. */
const SLOWDOWN = 10;
const PATIENCE_SECONDS = 300;

export function addChaosCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('chaos')
    .description('train while processes are killed and stopped and links cut, and prove that the result is the same')
    .option('--seed <number>', 'decides which faults happen and when', readNumber, 1)
    .option('--minutes <number>', 'how long faults happen; runs are repeated until then', readNumber, 1)
    .option('--every <seconds>', 'mean time between two faults', readNumber, 10);
  addConfigOptions(command, 'chaos')
    .option('--secure', 'TLS between all processes, with certificates of the launch')
    .option('--standby', 'a second coordinator on another disk, which is killed too; needs --store nats')
    .addOption(new Option('--store <kind>', 'nats: the run lives in the broker as well').choices(['nats']))
    .addOption(
      new Option('--brokers <number>', 'servers of the broker; 3 are a cluster that keeps 3 copies')
        .choices(['1', '3'])
        .default('1'),
    )
    .option('--json', 'print one JSON object with the report as the last line of stdout')
    .addHelpText(
      'after',
      '\nExample:\n  facet chaos --seed 7 --minutes 20 --workers 4 --secure --store nats --standby --brokers 3',
    )
    .action((options: ChaosOptions) => run(() => chaos(options, context)));
}

function readNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('Expected a number from 0 on.');
  return value;
}

async function chaos(options: ChaosOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const setup = readSetup(options);
  using signals = listenForStop(context);
  const note = (text: string): void => {
    printLine(stderr, text);
  };
  const report = await new ChaosSession(options, { context, signals, note, setup }).run();
  if (options.json) printJson(stdout, report);
  else for (const line of reportLines(report)) printLine(stdout, line);
  return report.violations === 0 ? EXIT.ok : EXIT.failed;
}

/** @throws TrainingError CONFIG_INVALID for a standby that would have no way to the run. */
function readSetup({ secure = false, standby = false, store, brokers }: ChaosOptions): ChaosSetup {
  if (standby && store === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      '--standby: it has another disk than the leader, expected --store nats beside it',
    );
  }
  return { isSecure: secure, hasStandby: standby, isStored: store !== undefined, brokers: Number(brokers) };
}

interface SessionPlace {
  readonly context: CliContext;
  readonly signals: StopSignals;
  readonly note: (text: string) => void;
  readonly setup: ChaosSetup;
}

/** What one run needs: its own name and folder, and the binary of the broker. */
interface PreparedRun {
  readonly loaded: LoadedConfig;
  readonly paths: RunPaths;
  readonly brokerBinary: string;
}

class ChaosSession {
  readonly #options: ChaosOptions;
  readonly #place: SessionPlace;
  /** What the names of its runs begin with; unlike that of an earlier session with the same seed. */
  readonly #name: string;

  constructor(options: ChaosOptions, place: SessionPlace) {
    this.#options = options;
    this.#place = place;
    const parts = { dataset: 'chaos', preset: String(options.seed) };
    this.#name = defaultRunName(runsFolder(place.context.env), parts, new Date());
  }

  async run(): Promise<ChaosReport> {
    const { seed, minutes, every } = this.#options;
    const faultFree = await this.#trainInPeace();
    const faults = chaosFaults(seed, every * MS_PER_SECOND);
    const harmUntilMs = performance.now() + minutes * SECONDS_PER_MINUTE * MS_PER_SECOND;
    const trials: ChaosTrial[] = [];
    const applied: ChaosFault[] = [];
    do {
      const trial = await this.#trainUnderFaults({
        number: trials.length + 1,
        faults,
        harmUntilMs,
        faultFree,
        applied,
      });
      trials.push(trial);
    } while (performance.now() < harmUntilMs && trials.every(({ violations }) => violations.length === 0));
    return {
      seed,
      minutes,
      workers: faultFree.workers,
      setup: this.#place.setup,
      faultFree: { run: faultFree.run, seconds: faultFree.seconds, weightsSha256: faultFree.weightsSha256 },
      trials,
      faults: countFaults(applied),
      violations: trials.reduce((sum, { violations }) => sum + violations.length, 0),
      repeat: repeatCommand(this.#options),
    };
  }

  async #trainInPeace(): Promise<FaultFreeRun> {
    const { context, signals, note } = this.#place;
    const { loaded, paths, brokerBinary } = await this.#prepare(0);
    note(`${loaded.config.run}: without faults`);
    const startedMs = performance.now();
    const { result } = await launchTraining(
      { mode: 'new', config: loaded.config, paths, brokerBinary, env: context.env },
      signals,
      { onCoordinator: () => undefined, onWorkerDied: () => undefined, onStopping: () => undefined },
    );
    if (signals.stop.aborted) throw new TrainingError('CANCELLED', 'stopped by a signal');
    if (result?.outcome !== 'finished') {
      const why = result?.message ?? 'it left no result';
      throw new TrainingError('INTERNAL', `the run without faults did not finish: ${why}; see ${paths.logs}`);
    }
    const seconds = (performance.now() - startedMs) / MS_PER_SECOND;
    const { weightsSha256 } = result;
    return { run: loaded.config.run, seconds, weightsSha256, workers: loaded.config.workers.count };
  }

  async #trainUnderFaults({ number, faults, harmUntilMs, faultFree, applied }: TrialPlan): Promise<ChaosTrial> {
    const { context, signals, note, setup } = this.#place;
    const { loaded, paths, brokerBinary } = await this.#prepare(number);
    const { run, nats } = loaded.config;
    // Every server of a cluster keeps a copy.
    const config = { ...loaded.config, nats: { ...nats, replicas: setup.brokers } };
    const startedMs = performance.now();
    const patienceSeconds = SLOWDOWN * faultFree.seconds + PATIENCE_SECONDS;
    const end = await launchUnderChaos({
      place: { config, paths, env: context.env },
      setup,
      brokerBinary,
      faults,
      harmUntilMs,
      deadlineMs: Math.max(startedMs, harmUntilMs) + patienceSeconds * MS_PER_SECOND,
      signal: signals.stop,
      onEvent: (text) => {
        note(`${run}: ${((performance.now() - startedMs) / MS_PER_SECOND).toFixed(1)} s ${text}`);
      },
    });
    applied.push(...end.faults);
    const seconds = (performance.now() - startedMs) / MS_PER_SECOND;
    const { weightsSha256: expectedSha256 } = faultFree;
    return judgeTrial({ run, seconds, end, expectedSha256 });
  }

  async #prepare(number: number): Promise<PreparedRun> {
    const { env } = this.#place.context;
    const runs = runsFolder(env);
    const flags = { ...configLayer(this.#options, 'chaos'), run: `${this.#name}-${number}` };
    const configFile = this.#options.config;
    const weakest = { dataset: DEFAULT_DATASET };
    const loaded = await loadConfig({ env, runs, flags, configFile, weakest, maxWorkers: MAX_LOCAL_WORKERS });
    const paths = runPaths(runs, loaded.config.run);
    requireFreeName(paths);
    const { brokerBinary } = await checkLaunch({ ...loaded, env });
    if (brokerBinary === undefined) {
      throw new TrainingError(
        'CONFIG_INVALID',
        'nats.url: facet chaos kills its broker and so starts its own; leave it out',
      );
    }
    await claimRunFolder(paths);
    return { loaded, paths, brokerBinary };
  }
}

interface FaultFreeRun {
  readonly run: string;
  readonly seconds: number;
  readonly weightsSha256: string | undefined;
  readonly workers: number;
}

interface TrialPlan {
  readonly number: number;
  readonly faults: Iterator<ChaosFault, unknown>;
  readonly harmUntilMs: number;
  readonly faultFree: FaultFreeRun;
  /** Receives what happened. */
  readonly applied: ChaosFault[];
}

/** The command line that does the same again. */
function repeatCommand(options: ChaosOptions): string {
  const { seed, minutes, every, config, secure, standby, store, brokers } = options;
  const setup = [
    ...(secure === true ? ['--secure'] : []),
    ...(store === undefined ? [] : [`--store ${store}`]),
    ...(standby === true ? ['--standby'] : []),
    ...(brokers === '1' ? [] : [`--brokers ${brokers}`]),
  ];
  const file = config === undefined ? [] : ['--config', config];
  const settings = flatten(configLayer(options, 'chaos')).map(
    ([key, value]) => `--set ${key}=${JSON.stringify(value)}`,
  );
  return ['facet chaos', `--seed ${seed} --minutes ${minutes} --every ${every}`, ...setup, ...file, ...settings].join(
    ' ',
  );
}

/** The values of a mapping under their dotted keys. */
function flatten(mapping: Mapping, prefix = ''): (readonly [key: string, value: unknown])[] {
  return Object.entries(mapping).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flatten(value as Mapping, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value] as const],
  );
}

function reportLines({ seed, trials, faults, faultFree, violations, repeat }: ChaosReport): string[] {
  const kinds = Object.entries(faults).map(([kind, count]) => `${count} x ${kind}`);
  const broken = trials.flatMap(({ run, violations: found }) => found.map((problem) => `${run}: ${problem}`));
  const verdict =
    violations === 0
      ? `every run has an exact ledger and the weights ${faultFree.weightsSha256 ?? 'unknown'}`
      : `repeat it with: ${repeat}`;
  return [`chaos ${seed}: ${trials.length} runs under ${kinds.join(', ')}`, ...broken, verdict];
}
