/**
 * `facet doctor`: what works on this machine, found out by doing it: starting a broker, opening a port, reading the
 * datasets, running each engine. Every check that fails says what to do.
 */
import type { Command } from 'commander';
import { ENGINE_NAMES, suggestion, TrainingError, visibleLine, type EngineName } from '@facet/shared';
import { printJson, printStyled, type CliContext, type CommandAction } from '../context.js';
import { brokerCheck, datasetChecks, nodeCheck, portCheck, type Check } from '../doctor/checks.js';
import { chooseFrom, probeEngines } from '../doctor/engine-probes.js';
import { engineLines, engineRemedies, engineState, isHealthy, type EngineReport } from '../doctor/engine-report.js';
import { paletteFor, type Palette } from '../display/palette.js';
import { tableBlocks, wrapText } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

interface DoctorOptions {
  readonly engine?: string;
  readonly json?: boolean;
}

export function addDoctorCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('doctor')
    .description('find out what works on this machine: Node, broker, ports, datasets, engines')
    .option('--engine <name>', `probe only this engine: ${ENGINE_NAMES.join(', ')}`)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet doctor')
    .action((options: DoctorOptions) => run(() => examine(options, context)));
}

async function examine({ engine, json }: DoctorOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, stderr, env } = context;
  const name = engine === undefined ? undefined : engineNamed(engine);
  const onDone = (): void => {
    if (!json && stderr.isTTY) stderr.write('.');
  };
  const checks = name === undefined ? await machineChecks(env, onDone) : [];
  const probes = await probeEngines(name, onDone);
  const engines: EngineReport = name === undefined ? { probes, auto: await chooseFrom(probes) } : { probes };
  if (!json && stderr.isTTY) stderr.write('\n');
  const ok = checks.every(({ state }) => state !== 'failed') && isHealthy(engines);
  if (json) {
    const found = probes.map((probe) => ({ ...probe, state: engineState(probe) }));
    printJson(stdout, { ok, ...(name === undefined && { checks, auto: engines.auto }), engines: found });
  } else {
    for (const line of reportLines(checks, engines, context)) printStyled(stdout, line);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

/** @throws TrainingError CONFIG_INVALID when there is no such engine. */
function engineNamed(engine: string): EngineName {
  const name = ENGINE_NAMES.find((known) => known === engine);
  if (name !== undefined) return name;
  const expected = `expected one of ${ENGINE_NAMES.join(', ')}${suggestion(engine, ENGINE_NAMES)}`;
  throw new TrainingError('CONFIG_INVALID', `--engine: '${engine}', ${expected}`);
}

async function machineChecks(env: CliContext['env'], onDone: () => void): Promise<Check[]> {
  const checks: Check[] = [];
  for (const check of [() => nodeCheck(process.versions.node), () => brokerCheck(env), portCheck, datasetChecks]) {
    checks.push(...[await check()].flat());
    onDone();
  }
  return checks;
}

function reportLines(checks: readonly Check[], engines: EngineReport, { stdout, env }: CliContext): string[] {
  const palette = paletteFor(stdout, env);
  const columns = stdout.isTTY ? stdout.columns : undefined;
  const remedies = [
    ...checks.flatMap(({ name, remedy }) => (remedy === undefined ? [] : [`${name}: ${remedy}`])),
    ...engineRemedies(engines),
  ];
  return [
    ...(checks.length === 0 ? [] : [...checkLines(checks, palette, columns), '']),
    ...engineLines(engines, { palette, columns }),
    ...(remedies.length === 0
      ? []
      : ['', 'what to do:', ...remedies.flatMap((line) => indented(visibleLine(line), columns))]),
  ];
}

function indented(text: string, columns: number | undefined): string[] {
  const lines = columns === undefined ? [text] : wrapText(text, columns - 4);
  return lines.map((line, index) => `${index === 0 ? '  ' : '    '}${line}`);
}

function checkLines(checks: readonly Check[], palette: Palette, columns: number | undefined): string[] {
  const [head = [], ...rows] = tableBlocks({
    header: ['check', 'state', 'detail'],
    rows: checks.map(({ name, state, detail }) => [name, state, detail]),
    columns,
  });
  const coloured = rows.map((block, index) =>
    checks[index]?.state === 'failed' ? block.map((line) => palette.bad(line)) : block,
  );
  return [...head.map((line) => palette.faint(line)), ...coloured.flat()];
}
