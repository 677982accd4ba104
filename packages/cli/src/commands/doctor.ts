/**
 * `facet doctor`: what works on this machine, found out by doing it: starting a broker, opening a port, reading the
 * datasets, running each engine. Every check that fails says what to do.
 */
import { Option, type Command } from 'commander';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { brokerCheck, datasetChecks, engineChecks, nodeCheck, portCheck, type Check } from '../doctor/checks.js';
import { probeEnginesApart } from '../doctor/engine-probes.js';
import { paletteFor } from '../display/palette.js';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

interface DoctorOptions {
  readonly json?: boolean;
  /** How `doctor` calls itself: prints the probes of the engines as JSON. */
  readonly enginesOnly?: boolean;
}

export function addDoctorCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('doctor')
    .description('find out what works on this machine: Node, broker, ports, datasets, engines')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addOption(new Option('--engines-only').hideHelp())
    .addHelpText('after', '\nExample:\n  facet doctor')
    .action((options: DoctorOptions) => run(() => examine(options, context)));
}

async function examine({ json, enginesOnly }: DoctorOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr, env } = context;
  if (enginesOnly) {
    const { probeEngines } = await import('@facet/worker');
    printJson(stdout, await probeEngines());
    return EXIT.ok;
  }
  const checks: Check[] = [];
  const add = (...found: readonly Check[]): void => {
    checks.push(...found);
    if (!json && stderr.isTTY) stderr.write('.');
  };
  add(nodeCheck(process.versions.node));
  add(await brokerCheck(env));
  add(await portCheck());
  add(...(await datasetChecks()));
  add(...engineChecks(await probeEnginesApart()));
  if (!json && stderr.isTTY) stderr.write('\n');
  const isHealthy = checks.every(({ state }) => state !== 'failed');
  if (json) printJson(stdout, { ok: isHealthy, checks });
  else for (const line of reportLines(checks, context)) printLine(stdout, line);
  return isHealthy ? EXIT.ok : EXIT.failed;
}

function reportLines(checks: readonly Check[], { stdout, env }: CliContext): string[] {
  const palette = paletteFor(stdout, env);
  const lines = tableLines({
    header: ['check', 'state', 'detail'],
    rows: checks.map(({ name, state, detail }) => [name, state, detail]),
  });
  const coloured = lines.map((line, index) => {
    const state = checks[index - 1]?.state;
    if (state === undefined) return palette.faint(line);
    return state === 'failed' ? palette.bad(line) : line;
  });
  const remedies = checks.flatMap(({ name, remedy }) => (remedy === undefined ? [] : [`${name}: ${remedy}`]));
  return [...coloured, ...(remedies.length === 0 ? [] : ['', 'what to do:', ...remedies.map((line) => `  ${line}`)])];
}
