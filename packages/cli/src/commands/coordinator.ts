/**
 * `facet coordinator`: the coordinator of one run, in this process. `facet up` starts the same command, with the hidden
 * options that tie it to its parent.
 */
import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { Coordinator, RunResult } from '@facet/coordinator';
import { maskSecrets, TrainingError, type Mapping } from '@facet/shared';
import { createLogger } from '@facet/telemetry';
import { readCodeVersion } from '../code-version.js';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, loadStoredConfig, readConfigFile, type LoadedConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { summaryLines } from '../display/summary.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listenForStop } from '../launch/stop-signals.js';
import { removeAddressFile, writeAddressFile } from '../runs/address-file.js';
import { runPaths, runsFolder } from '../runs/run-folders.js';
import { isSuccess, resultJson } from '../runs/run-result.js';

interface CoordinatorCommandOptions extends ConfigOptions {
  readonly resume?: boolean;
  readonly json?: boolean;
  readonly addressFile?: string;
  readonly resultFile?: string;
  readonly exitWithParent?: boolean;
}

export function addCoordinatorCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('coordinator')
    .description('run the coordinator of a run; workers on any machine join it with `facet worker`');
  addConfigOptions(command, 'coordinator')
    .option('--resume', 'continue the run instead of starting it')
    .option('--json', 'print one JSON object with the result as the last line of stdout')
    .addOption(new Option('--address-file <file>').hideHelp())
    .addOption(new Option('--result-file <file>').hideHelp())
    .addOption(new Option('--exit-with-parent').hideHelp())
    .addHelpText('after', '\nExample:\n  facet coordinator --config facet.yaml --host 192.0.2.10 --port 5555')
    .action((options: CoordinatorCommandOptions) => run(() => coordinate(options, context)));
}

async function coordinate(options: CoordinatorCommandOptions, context: CliContext): Promise<ExitCode> {
  const { env } = context;
  const { config } = await load(options, context);
  const paths = runPaths(runsFolder(env), config.run);
  const addressFile = options.addressFile ?? paths.address;
  if (options.exitWithParent) {
    context.onParentGone(() => {
      removeAddressFile(addressFile);
      context.exit(EXIT.failed);
    });
  }
  using signals = listenForStop(context);
  const { startCoordinator } = await import('@facet/coordinator');
  const log = createLogger('coordinator');
  log.info({ config: maskSecrets(config) }, 'configuration');
  const coordinator = await startCoordinator({
    config,
    runFolder: paths.folder,
    mode: options.resume ? 'resume' : 'new',
    codeVersion: await readCodeVersion(env),
    log,
  });
  try {
    const { address, httpUrl } = coordinator;
    if (address !== '') await writeAddressFile(addressFile, { run: config.run, address, httpUrl, pid: process.pid });
    if (!options.json && address !== '') announce(coordinator, config.run, context);
    onceAborted(signals.stop, () => {
      coordinator.requestStop('a signal');
    });
    onceAborted(signals.kill, () => void coordinator.close());
    return await report(await coordinator.done, options, context);
  } finally {
    removeAddressFile(addressFile);
    await coordinator.close();
  }
}

async function load(options: CoordinatorCommandOptions, { env }: CliContext): Promise<LoadedConfig> {
  const runs = runsFolder(env);
  const flags = configLayer(options, 'coordinator');
  const load = { env, runs, flags, configFile: options.config, isAdversarial: options.adversarial };
  if (!options.resume) return loadConfig(load);
  const file = options.config === undefined ? undefined : ((await readConfigFile(options.config)) as Mapping | null);
  const run = flags['run'] ?? file?.['run'];
  if (typeof run === 'string') return loadStoredConfig(run, load);
  throw new TrainingError(
    'CONFIG_INVALID',
    'run: missing, expected the name of the run to resume, as --run or in the file',
  );
}

function announce({ address, httpUrl }: Coordinator, run: string, { stdout }: CliContext): void {
  printLine(stdout, `run ${run}: coordinator at ${address}, metrics at ${httpUrl}/metrics`);
  printLine(stdout, `start workers with: facet worker --coordinator ${address}`);
}

async function report(result: RunResult, options: CoordinatorCommandOptions, context: CliContext): Promise<ExitCode> {
  if (options.resultFile !== undefined) await writeFile(options.resultFile, JSON.stringify(result));
  if (options.json) printJson(context.stdout, resultJson(result));
  else for (const line of summaryLines(result)) printLine(context.stdout, line);
  if (isSuccess(result)) return EXIT.ok;
  return result.outcome === 'stopped' ? EXIT.interrupted : EXIT.failed;
}

function onceAborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
}
