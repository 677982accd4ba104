/**
 * `facet simulate`: predicts how long the all-reduce of a step takes on clusters that the user does not have at hand. It uses
 * the cost model of the collective: direct, in groups of a host's ranks, and in the fastest groups. Nothing is trained or
 * sent.
 */
import { InvalidArgumentError, type Command } from 'commander';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { simulationLines } from '../display/simulation.js';
import { predictWorlds, type WorldOptions } from '@facet/lab/data';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { reportMaker } from '../runs/report-maker.js';
import { reportFilesAt, writeReport } from '../runs/report-files.js';

const MOST_RANKS = 4096;

interface SimulateOptions extends WorldOptions {
  readonly report?: string;
  readonly json?: boolean;
}

export function addSimulateCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('simulate')
    .description('predict the time of an all-reduce for 2 to 4,096 ranks, direct and in groups, by a cost model')
    .option('--megabytes <number>', 'size of the gradient: 4 bytes per parameter', positive, 25)
    .option('--max-ranks <number>', 'largest number of ranks, a power of two', powerOfTwo(2), MOST_RANKS)
    .option('--ranks-per-host <number>', 'ranks on each host, a power of two', powerOfTwo(1), 8)
    .option('--cores-per-host <number>', 'cores that they share (default: one for each rank)', positive)
    .option('--gbit <number>', "speed of a host's link, in each direction", positive, 10)
    .option('--hop-us <number>', 'time that a message takes between two hosts, in microseconds', positive, 50)
    .option('--report <path>', 'folder, or .html file, for a page with curves (default: none)')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet simulate --megabytes 100 --ranks-per-host 8 --gbit 25')
    .action((options: SimulateOptions) => run(() => simulate(options, context)));
}

/** Reads a power of two. */
function powerOfTwo(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(Math.log2(value)) && value >= least && value <= MOST_RANKS) return value;
    throw new InvalidArgumentError(`Expected a power of two from ${least} to ${MOST_RANKS}.`);
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

async function simulate(options: SimulateOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr } = context;
  const document = { made: await reportMaker(context), ...(await predictWorlds(options)) };
  if (options.report !== undefined) {
    const { simulationPage } = await import('@facet/lab/reports');
    const files = reportFilesAt(options.report, 'simulation');
    await writeReport(files, { document, page: simulationPage(document) });
    printLine(stderr, `report: ${files.page}`);
  }
  if (options.json) {
    printJson(stdout, document);
    return EXIT.ok;
  }
  for (const line of simulationLines(document)) printLine(stdout, line);
  return EXIT.ok;
}
