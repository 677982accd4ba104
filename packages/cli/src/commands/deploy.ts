/**
 * `facet deploy`: what to apply on a cluster or a server, from the same configuration that `facet up` takes. It checks the
 * configuration as `facet up` does, prints, and starts nothing.
 */
import { Argument, type Command } from 'commander';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig } from '../config/load-config.js';
import { printLine, type CliContext, type CommandAction } from '../context.js';
import { composeDeployment } from '../deploy/compose-file.js';
import type { Deployment, DeployOrder } from '../deploy/deployment.js';
import { slurmDeployment, systemdDeployment } from '../deploy/host-deployments.js';
import { kubernetesDeployment } from '../deploy/kubernetes-values.js';
import { saidConfig } from '../deploy/said-config.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { runsFolder } from '../runs/run-folders.js';

type MakeDeployment = (order: DeployOrder) => Deployment | Promise<Deployment>;

const TARGETS: Readonly<Record<string, MakeDeployment>> = {
  kubernetes: kubernetesDeployment,
  compose: composeDeployment,
  systemd: systemdDeployment,
  slurm: slurmDeployment,
};

export function addDeployCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('deploy')
    .description(
      'print what to apply elsewhere to train the same run: values of the Helm chart, a Compose file, the file of a systemd unit, or the command for Slurm',
    )
    .addArgument(new Argument('<target>', 'where to').choices(Object.keys(TARGETS)));
  addConfigOptions(command, 'up')
    .addHelpText(
      'after',
      '\nExamples:\n  facet deploy kubernetes --config facet.yaml > values.yaml\n  facet deploy compose --config facet.yaml > compose.yaml',
    )
    .action((target: string, options: ConfigOptions) => run(() => deploy(target, options, context)));
}

async function deploy(target: string, options: ConfigOptions, { env, stdout, stderr }: CliContext): Promise<ExitCode> {
  const loaded = await loadConfig({
    env,
    runs: runsFolder(env),
    flags: configLayer(options, 'up'),
    configFile: options.config,
    isAdversarial: options.adversarial,
  });
  const { config, sourceOf } = loaded;
  const hasName = sourceOf('run') !== 'default';
  const { text, notes } = await TARGETS[target]!({ config, said: saidConfig(loaded), hasName });
  for (const note of [...loaded.notes, ...notes]) printLine(stderr, `note: ${note}`);
  stdout.write(text);
  return EXIT.ok;
}
