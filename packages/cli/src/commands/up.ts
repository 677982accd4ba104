/**
 * `facet up`: a whole training on this machine. Everything that can be wrong is found before anything is started or
 * written; then the launch does the work and this file shows it.
 */
import type { Command } from 'commander';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig } from '../config/load-config.js';
import { printLine, type CliContext, type CommandAction } from '../context.js';
import { addOpenOption } from '../display/open-in-browser.js';
import type { ExitCode } from '../exit-codes.js';
import {
  addHostsOptions,
  hostsWish,
  readHostsOptions,
  withWorkersOf,
  type HostsOptions,
} from '../launch/hosts/hosts-options.js';
import { INSECURE_ABOUT } from '../tls/open-identity.js';
import { addMaxRestartsOption } from '../launch/max-restarts.js';
import { checkLaunch, MAX_LOCAL_WORKERS } from '../launch/preflight.js';
import { addStartOptions, prepareStart, type StartOptions } from '../launch/start-from.js';
import { isSecureLaunch, plannedBy, type LaunchFlags } from '../launch/launch-flags.js';
import { addTensorboardOption } from '../launch/tensorboard.js';
import { train } from '../launch/train.js';
import { requireFreeName, runPaths, runsFolder } from '../runs/run-folders.js';
import { addStoreOption, chooseStore } from '../runs/run-place.js';

interface UpOptions extends ConfigOptions, StartOptions, HostsOptions, LaunchFlags {
  readonly json?: boolean;
  readonly open?: boolean;
  readonly store?: string;
}

export function addUpCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('up')
    .description('start a broker, a coordinator and workers on this machine and train');
  addOpenOption(
    addHostsOptions(
      addTensorboardOption(addMaxRestartsOption(addStoreOption(addStartOptions(addConfigOptions(command, 'up'))))),
    ),
  )
    .option('--standby', 'start a second coordinator that takes over when the first one is gone')
    .option('--secure', 'encrypt all connections, with short-lived certificates that the launch makes itself')
    .option('--insecure', INSECURE_ABOUT)
    .option('--json', 'print one JSON object with the result as the last line of stdout')
    .addHelpText(
      'after',
      "\nExample:\n  facet up --dataset mnist --workers 2 --epochs 2 --json\n  facet up --dataset mnist --hosts hosts.txt --workers-per-host 8\n  facet up --from models/mnist-fast --dataset fashion-mnist --freeze 'stem.*'",
    )
    .action((options: UpOptions) => run(() => up(options, context)));
}

async function up(options: UpOptions, context: CliContext): Promise<ExitCode> {
  const { env, store } = chooseStore(options.store, context.env);
  const runs = runsFolder(env);
  const given = configLayer(options, 'up');
  const hosts = await readHostsOptions(options, given);
  const loaded = await loadConfig({
    env,
    runs,
    flags: withWorkersOf(given, hosts),
    configFile: options.config,
    isAdversarial: options.adversarial,
    ...(hosts === undefined && { maxWorkers: MAX_LOCAL_WORKERS }),
  });
  for (const note of loaded.notes) printLine(context.stderr, `note: ${note}`);
  const paths = runPaths(runs, loaded.config.run);
  requireFreeName(paths);
  const { brokerBinary } = await checkLaunch({ ...loaded, env });
  const start = await prepareStart(loaded.config, options, context);
  for (const note of start?.notes ?? []) printLine(context.stderr, `note: ${note}`);
  const config = start?.config ?? loaded.config;
  const planned = plannedBy(options);
  const { isInsecure } = planned;
  const { sourceOf } = loaded;
  const wish = hostsWish(hosts, config, { sourceOf, isInsecure, isOwnBroker: brokerBinary !== undefined });
  const isSecure = isSecureLaunch(options, wish);
  return train(
    {
      ...planned,
      ...{ mode: 'new', config, start, paths, isSecure, brokerBinary, env, store, hosts: wish },
    },
    { context, isJson: options.json === true, opensPage: options.open },
  );
}
