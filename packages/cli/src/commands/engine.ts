/**
 * `facet engine`: `show` (in a file of its own), and `install`, which gets an engine ready that npm does not bring.
 */
import type { Command } from 'commander';
import type { Installation } from '@facet/engine';
import { suggestion, TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { addEngineShow } from './engine-show.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listenForStop } from '../launch/stop-signals.js';

type Run = (action: CommandAction) => Promise<void>;

interface InstallOptions {
  readonly gpu?: boolean;
  readonly python?: string;
  readonly json?: boolean;
}

/** The engines that can be installed. */
const INSTALLABLE = ['tensorflow'] as const;

export function addEngineCommand(program: Command, context: CliContext, run: Run): void {
  const engine = program
    .command('engine')
    .description('show what an engine runs; install engines that npm does not bring');
  addEngineShow(engine, context, run);
  addInstall(engine, context, run);
}

function addInstall(engine: Command, context: CliContext, run: Run): void {
  engine
    .command('install <name>')
    .description(`build an engine (${INSTALLABLE.join(' or ')}) into Facet's cache; needs pip, npm and a C++ compiler`)
    .option('--gpu', 'the build for NVIDIA GPUs, with its CUDA libraries (several gigabytes)')
    .option('--python <file>', 'the Python whose pip downloads TensorFlow (default: FACET_PYTHON, else python3)')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet engine install tensorflow')
    .action((name: string, options: InstallOptions) => run(() => install(name, options, context)));
}

async function install(name: string, { gpu, python, json }: InstallOptions, context: CliContext): Promise<ExitCode> {
  requireInstallable(name);
  using signals = listenForStop(context);
  const { installTensorflow } = await import('@facet/engine');
  const startedAt = performance.now();
  const installation = await installTensorflow({
    name: gpu ? 'tensorflow-gpu' : 'tensorflow',
    env: context.env,
    log: (line) => {
      printLine(context.stderr, line);
    },
    signal: signals.stop,
    ...(python !== undefined && { python }),
  });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  if (json) printJson(context.stdout, { ...installation, seconds });
  else printLine(context.stdout, describe(installation, seconds));
  return EXIT.ok;
}

function requireInstallable(name: string): void {
  if (INSTALLABLE.some((installable) => installable === name)) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `there is no engine '${name}' to install, expected ${INSTALLABLE.join(' or ')}${suggestion(name, INSTALLABLE)}`,
  );
}

function describe({ folder, isNew, record }: Installation, seconds: number): string {
  const what = `${record.engine} ${record.tensorflow}`;
  return isNew ? `${what} is installed in ${folder} (${seconds} s)` : `${what} is already installed in ${folder}`;
}
