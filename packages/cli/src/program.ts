/**
 * The command line as a whole: its commands, and how mistakes are reported. Each command is a file in commands/. It loads
 * what it needs only when it runs, so that `facet status` does not wait for an engine.
 */
import { NAMED_TASKS } from '@facet/lab/data';
import { configKeys, keyMeantBy, visibleText } from '@facet/shared';
import { Command, CommanderError } from 'commander';
import { readPackageVersion } from './code-version.js';
import { addAblateCommand } from './commands/ablate.js';
import { addBrokerCommand } from './commands/broker.js';
import { addCertsCommand } from './commands/certs.js';
import { addChaosCommand } from './commands/chaos.js';
import { addCompletionCommand } from './commands/completion.js';
import { addConfigCommand } from './commands/config.js';
import { addCoordinatorCommand } from './commands/coordinator.js';
import { addDatasetCommand } from './commands/dataset.js';
import { addDeployCommand } from './commands/deploy.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addEngineCommand } from './commands/engine.js';
import { addEvaluateCommand } from './commands/evaluate.js';
import { addExplainCommand } from './commands/explain.js';
import { addExportCommand } from './commands/export.js';
import { addExportMetricsCommand } from './commands/export-metrics.js';
import { addInitCommand } from './commands/init.js';
import { addLedgerCommand } from './commands/ledger.js';
import { addOperateCommands } from './commands/operate.js';
import { addPredictCommand } from './commands/predict.js';
import { addPresetsCommand } from './commands/presets.js';
import { addRehearseCommand } from './commands/rehearse.js';
import { addResumeCommand } from './commands/resume.js';
import { addRobustnessCommand } from './commands/robustness.js';
import { addRunsCommand } from './commands/runs.js';
import { addSimulateCommand } from './commands/simulate.js';
import { addStatusCommand } from './commands/status.js';
import { addUpCommand } from './commands/up.js';
import { addViewCommand } from './commands/view.js';
import { addWorkerCommand } from './commands/worker.js';
import { addHostCommand } from './launch/hosts/host-command.js';
import { printJson, printLine, type CliContext, type CommandAction } from './context.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { describeFailure } from './failure.js';

/** Adds one command to the program; `run` takes the work that the chosen command wants done. */
export type AddCommand = (program: Command, context: CliContext, run: (action: CommandAction) => Promise<void>) => void;

const COMMANDS: readonly AddCommand[] = [
  addInitCommand,
  addUpCommand,
  addResumeCommand,
  addCoordinatorCommand,
  addWorkerCommand,
  addStatusCommand,
  addOperateCommands,
  addRunsCommand,
  addExplainCommand,
  addViewCommand,
  addEvaluateCommand,
  addRobustnessCommand,
  addAblateCommand,
  addChaosCommand,
  addCertsCommand,
  addBrokerCommand,
  addPredictCommand,
  addExportCommand,
  addExportMetricsCommand,
  addLedgerCommand,
  addPresetsCommand,
  addConfigCommand,
  addDeployCommand,
  addSimulateCommand,
  addRehearseCommand,
  addDatasetCommand,
  addEngineCommand,
  addDoctorCommand,
  addCompletionCommand,
  addHostCommand,
];

/**
 * Runs one command line. Reports an error to people on stderr, and with `--json` also on stdout.
 *
 * @returns what the process exits with
 */
export async function runCommandLine(args: readonly string[], context: CliContext): Promise<ExitCode> {
  try {
    return await parse(args, context);
  } catch (error) {
    return reportFailure(error, args.includes('--json'), context);
  }
}

/** @throws TrainingError for what went wrong, CommanderError for a command line that is none (or asks for help) */
async function parse(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram({
    version: await readPackageVersion(),
    context,
    run: async (action) => {
      code = await action();
    },
  });
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  await program.parseAsync(args, { from: 'user' });
  return code;
}

/** For the options of other trainers: the key that is meant. */
function settingAdvice(text: string): string {
  const [, flag, suggested] = /unknown option '--([\w-]+)[^']*'\n?(\(Did you mean)?/.exec(text) ?? [];
  const key =
    flag === undefined || suggested !== undefined
      ? undefined
      : keyMeantBy(flag, configKeys(NAMED_TASKS, NAMED_TASKS[0]).all);
  return key === undefined ? '' : `(The configuration key is ${key}: set it with --set ${key}=VALUE)\n`;
}

interface ProgramOptions {
  readonly version: string;
  readonly context: CliContext;
  readonly run: (action: CommandAction) => Promise<void>;
}

/**
 * The program with all its commands. Parsing a line hands the work of its command to `run`; a line that is wrong throws a
 * CommanderError.
 */
export function createProgram({ version, context, run }: ProgramOptions): Command {
  const program = new Command('facet')
    .description('Train a vision transformer on many machines: one result, whatever the workers do.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => context.stdout.write(visibleText(text)),
      writeErr: (text) => context.stderr.write(visibleText(text)),
      outputError: (text, write) => {
        write(`${text}${settingAdvice(text)}`);
      },
    })
    .addHelpText('after', '\nExample:\n  facet up --dataset mnist --workers 2');
  for (const add of COMMANDS) add(program, context, run);
  return program;
}

function reportFailure(caught: unknown, isJson: boolean, { stdout, stderr, env }: CliContext): ExitCode {
  const printError = (code: string, message: string): void => {
    if (isJson) printJson(stdout, { error: { code, message } });
  };
  if (caught instanceof CommanderError) {
    // Commander has printed it; help and --version are no failures.
    if (caught.exitCode === 0) return EXIT.ok;
    printError('CONFIG_INVALID', caught.message.replace(/^error: /, ''));
    return EXIT.usage;
  }
  const { error, lines } = describeFailure(caught, { isDebugging: env['FACET_LOG_LEVEL'] === 'debug' });
  for (const line of lines) printLine(stderr, line);
  printError(error.code, error.message);
  return exitCodeOf(error);
}
