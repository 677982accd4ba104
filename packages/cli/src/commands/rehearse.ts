/**
 * `facet rehearse`: finds out how many workers a coordinator of this machine carries, with a real coordinator, a real broker and
 * workers that join, report and die as real ones do and compute nothing.
 */
import { InvalidArgumentError, type Command } from 'commander';
import { MOST_WORKERS, TrainingError, usableCores } from '@facet/shared';
import { findBroker } from '../broker/find-broker.js';
import { readCodeVersion } from '../code-version.js';
import { loadConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { rehearsalLines } from '../rehearse/rehearsal-table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { listenForStop } from '../launch/stop-signals.js';
import type { RehearsalReport, RehearsedSize } from '../rehearse/rehearsal-report.js';
import { runsFolder } from '../runs/run-folders.js';

interface RehearseOptions {
  readonly workers: readonly number[];
  readonly steps: number;
  readonly stepMs: number;
  readonly heartbeatMs?: number;
  readonly processes?: number;
  readonly json?: boolean;
}

export function addRehearseCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('rehearse')
    .description('measure how many workers a coordinator on this machine carries; the workers compute nothing')
    .option(
      '--workers <numbers>',
      'how many workers; several numbers, with commas between, one after the other',
      sizes,
      [1_000],
    )
    .option('--steps <number>', 'steps that are measured', wholeNumber(1, 100_000), 40)
    .option('--step-ms <number>', 'what the arithmetic of a step would take', wholeNumber(0, 60_000), 250)
    .option(
      '--heartbeat-ms <number>',
      'timeouts.heartbeatMs of the run, for a machine that is busy with other work (default: that of runs)',
      wholeNumber(100, 600_000),
    )
    .option('--processes <number>', 'processes that the workers share (default: one per core)', wholeNumber(1, 256))
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet rehearse --workers 10,100,1000')
    .action((options: RehearseOptions) => run(() => rehearse(options, context)));
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** A tenth of the workers is killed, and somebody must be left. */
function sizes(text: string): number[] {
  return text.split(',').map(wholeNumber(2, MOST_WORKERS));
}

async function rehearse(options: RehearseOptions, context: CliContext): Promise<ExitCode> {
  const { env, stdout, stderr } = context;
  using signals = listenForStop(context);
  const { rehearsalSettings, rehearseSize } = await import('../rehearse/rehearse-size.js');
  const brokerBinary = await requireBroker(env);
  const codeVersion = await readCodeVersion(env);
  const done: RehearsedSize[] = [];
  for (const workers of options.workers) {
    const { config } = await loadConfig({ env: {}, runs: runsFolder(env), flags: rehearsalSettings(workers, options) });
    printLine(stderr, `${workers} workers`);
    const { steps, stepMs: workMs, processes = usableCores() } = options;
    const size = {
      workers,
      processes,
      steps,
      workMs,
      note: (line: string) => {
        printLine(stderr, `  ${line}`);
      },
    };
    done.push(
      await rehearseSize({ ...size, config, brokerBinary, env: { ...env }, codeVersion, signal: signals.stop }),
    );
  }
  const report: RehearsalReport = {
    sizes: done,
    violations: done.reduce((sum, { violations }) => sum + violations.length, 0),
  };
  if (options.json) printJson(stdout, report);
  else for (const line of rehearsalLines(report)) printLine(stdout, line);
  return report.violations === 0 ? EXIT.ok : EXIT.failed;
}

async function requireBroker(env: CliContext['env']): Promise<string> {
  const found = await findBroker({ env: { ...env } });
  if (found.ok) return found.broker.path;
  const tried = found.attempts.map(({ where, reason }) => `${where}: ${reason}`).join('; ');
  throw new TrainingError('BROKER_NOT_FOUND', `a rehearsal needs nats-server, and none was found (${tried})`);
}
