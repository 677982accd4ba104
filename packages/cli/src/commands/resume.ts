/**
 * `facet resume`: `up` for a run that exists. Where and with how many workers it goes on may change. Of what decides the
 * arithmetic, the number of epochs and what the update alone reads may: that is recorded, and holds from the next step on.
 */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { SCHEDULE_WAYS, type ScheduleWay } from '@facet/shared';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadStoredConfig } from '../config/load-config.js';
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
import { isSecureLaunch, plannedBy, type LaunchFlags } from '../launch/launch-flags.js';
import { addTensorboardOption } from '../launch/tensorboard.js';
import { train } from '../launch/train.js';
import { requireNotRunning } from '../runs/running-runs.js';
import { isPath, pathsIn, runPaths, runsFolder, type RunPaths } from '../runs/run-folders.js';
import { accessOf, addStoreOption, chooseStore, isRunPlace, pullStored, storeOfRun } from '../runs/run-place.js';

interface ResumeOptions extends ConfigOptions, HostsOptions, LaunchFlags {
  readonly json?: boolean;
  readonly store?: string;
  readonly open?: boolean;
  readonly schedule?: ScheduleWay;
}

export function addResumeCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('resume <run>')
    .description('continue a run from its newest sound checkpoint, with any number of workers');
  addOpenOption(
    addHostsOptions(addTensorboardOption(addMaxRestartsOption(addStoreOption(addConfigOptions(command, 'resume'))))),
  )
    .option('--standby', 'start a second coordinator that takes over when the first one is gone')
    .option('--secure', 'encrypt all connections, with short-lived certificates that the launch makes itself')
    .addOption(
      new Option(
        '--schedule <way>',
        'the learning rate from here on: hold (as planned, then its last rate), stretch (to the new end) or restart',
      ).choices(SCHEDULE_WAYS),
    )
    .option('--insecure', INSECURE_ABOUT)
    .option('--json', 'print one JSON object with the result as the last line of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  facet resume mnist-fast-20261123-181500 --workers 4\n  facet resume mnist-fast-20261123-181500 --epochs 5 --schedule restart',
    )
    .action((name: string, options: ResumeOptions) => run(() => resume(name, options, context)));
}

async function resume(nameOrPlace: string, options: ResumeOptions, context: CliContext): Promise<ExitCode> {
  const { name, named } = isRunPlace(nameOrPlace)
    ? await partsOf(nameOrPlace)
    : { name: nameOrPlace, named: options.store };
  const { env, store: chosen } = chooseStore(named, context.env);
  const given = configLayer(options, 'resume');
  const hosts = await readHostsOptions(options, given);
  const flags = withWorkersOf(given, hosts);
  const folder = isPath(name) ? pathsIn(path.resolve(name)) : runPaths(runsFolder(env), name);
  const store = await storeOfRun(chosen, folder);
  for (const warning of await pullStored(store, folder, { env, checkpoints: 'newest', ...accessOf(flags) }))
    printLine(context.stderr, `warning: ${warning}`);
  const isJson = options.json === true;
  const { config, sourceOf, notes, paths } = await loadStoredConfig(name, {
    env,
    runs: runsFolder(env),
    flags,
    configFile: options.config,
    ...(hosts === undefined && { maxWorkers: MAX_LOCAL_WORKERS }),
    schedule: options.schedule,
  });
  for (const note of notes) printLine(context.stderr, `note: ${note}`);
  await requireNotRunning(name, paths);
  // The stored address is that of the broker of an earlier launch, which is gone.
  const natsSource = sourceOf('nats.url');
  const { brokerBinary } = await checkLaunch({
    config,
    env,
    sourceOf: (key) => (key === 'nats.url' && natsSource === 'file' && !options.config ? 'default' : sourceOf(key)),
  });
  for (const line of await startingPoint(paths)) printLine(isJson ? context.stderr : context.stdout, line);
  const planned = plannedBy(options);
  const { isInsecure } = planned;
  const wish = hostsWish(hosts, config, {
    // That of an earlier launch is no wish of this one.
    sourceOf: (key) => (options.config === undefined && sourceOf(key) === 'file' ? 'default' : sourceOf(key)),
    ...{ isInsecure, isOwnBroker: brokerBinary !== undefined },
  });
  const isSecure = isSecureLaunch(options, wish);
  return train(
    {
      ...planned,
      ...{ mode: 'resume', config, paths, isSecure, brokerBinary, env, store, hosts: wish },
    },
    { context, isJson, opensPage: options.open },
  );
}

async function partsOf(place: string): Promise<{ readonly name: string; readonly named: string }> {
  const { parseRunPlace } = await import('@facet/storage');
  const { store, run } = parseRunPlace(place);
  return { name: run, named: store };
}

/** Which checkpoint the run goes on from, and which were passed over and why. */
async function startingPoint({ checkpoints }: RunPaths): Promise<string[]> {
  const { newestSoundCheckpoint } = await import('@facet/storage');
  const { checkpoint, skipped } = await newestSoundCheckpoint(checkpoints);
  const damaged = skipped.map(
    ({ path: at, reason }) => `warning: checkpoint ${at} is damaged and is passed over: ${reason}`,
  );
  const from =
    checkpoint === undefined
      ? 'there is no sound checkpoint: the run goes on from its first step, the same bits again'
      : `resuming from ${checkpoint.path}`;
  return [...damaged, from];
}
