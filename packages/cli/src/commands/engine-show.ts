/**
 * `facet engine show`: the programs that a configuration is compiled to, without running or writing anything: how many
 * nodes of which kind they have, what one micro-batch costs in operations and memory, and on request every node.
 */
import type { Command } from 'commander';
import type { ProgramDescription, ProgramsDescription } from '@facet/engine';
import { openRunData } from '@facet/task/data';
import type { Task } from '@facet/task';
import { datasetDefinition, imageFields, type RunConfig } from '@facet/shared';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { formatBytes, formatCount } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { runsFolder } from '../runs/run-folders.js';

interface EngineShowOptions extends ConfigOptions {
  readonly nodes?: boolean;
  readonly captured?: boolean;
  readonly json?: boolean;
}

/** Adds `show` to the command group `engine`. */
export function addEngineShow(
  group: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = group
    .command('show')
    .description('show the programs that a configuration is compiled to: nodes, operations, memory');
  addConfigOptions(command, 'show')
    .option('--nodes', 'print every node of the compiled programs')
    .option('--captured', 'with --nodes: as recorded from tfjs, before lowering and optimisation')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet engine show --preset mnist-fast --set batch.micro=64 --nodes')
    .action((options: EngineShowOptions) => run(() => show(options, context)));
}

async function show(options: EngineShowOptions, { env, stdout }: CliContext): Promise<ExitCode> {
  const { config } = await loadConfig({
    env,
    runs: runsFolder(env),
    flags: configLayer(options, 'show'),
    configFile: options.config,
    isAdversarial: options.adversarial,
  });
  const { describePrograms } = await import('@facet/engine');
  const described = await describePrograms(await taskOf(config));
  if (options.json) {
    printJson(stdout, { preset: config.preset, ...described, programs: described.programs.map(withoutLines) });
    return EXIT.ok;
  }
  for (const line of summaryLines(config.preset, described)) printLine(stdout, line);
  if (options.nodes) {
    for (const { captured, compiled } of described.programs) {
      for (const line of ['', ...(options.captured ? captured : compiled).lines]) printLine(stdout, line);
    }
  }
  return EXIT.ok;
}

function withoutLines({ name, captured, compiled }: ProgramDescription): object {
  const counts = <T extends { readonly lines: unknown }>({ lines: _, ...rest }: T): Omit<T, 'lines'> => rest;
  return { name, captured: counts(captured), compiled: counts(compiled) };
}

/** The task of a configuration. The samples of a dataset by name are known without opening it; those of a task are not. */
async function taskOf(config: RunConfig): Promise<Task> {
  const { openTask } = await import('@facet/lab');
  if (config.dataset === undefined) {
    const { fields, classes = [] } = await openRunData(config);
    return openTask(config, { fields, classes });
  }
  const { image, classes } = datasetDefinition(config.dataset);
  return openTask(config, { fields: imageFields(image), classes });
}

function summaryLines(
  preset: string,
  { parameters, microBatch, programs, milliseconds }: ProgramsDescription,
): string[] {
  const row = (label: string, of: (program: ProgramDescription) => string): string[] => [label, ...programs.map(of)];
  const perImage = (flops: number): string => `${(flops / microBatch / 1e6).toFixed(2)} MFLOP`;
  return [
    `${preset}: ${formatCount(parameters)} parameters (${formatBytes(parameters * 4)}), micro-batches of ${microBatch}; ` +
      `captured and compiled in ${Math.round(milliseconds)} ms`,
    '',
    ...tableLines({
      header: ['', ...programs.map(({ name }) => name)],
      right: programs.map((_, index) => index + 1),
      rows: [
        row('nodes as captured', ({ captured }) => formatCount(captured.nodes)),
        row('nodes as compiled', ({ compiled }) => formatCount(compiled.nodes)),
        row('matrix products per image', ({ compiled }) => perImage(compiled.matMulFlops)),
        row('activations in all', ({ compiled }) => formatBytes(compiled.activationBytes)),
        row('activations at one time, at most', ({ compiled }) => formatBytes(compiled.peakActivationBytes)),
        row('constants', ({ compiled }) => formatBytes(compiled.constantBytes)),
      ],
    }),
    '',
    ...opTable(programs),
  ];
}

/** How often each kind of node occurs in each program, as captured and as compiled. */
function opTable(programs: readonly ProgramDescription[]): string[] {
  const columns = programs.flatMap(({ name, captured, compiled }) => [
    { title: `${name} captured`, counts: new Map(captured.ops) },
    { title: 'compiled', counts: new Map(compiled.ops) },
  ]);
  const kinds = new Set(columns.flatMap(({ counts }) => [...counts.keys()]));
  return tableLines({
    header: ['node', ...columns.map(({ title }) => title)],
    right: columns.map((_, index) => index + 1),
    rows: [...kinds].map((kind) => [kind, ...columns.map(({ counts }) => String(counts.get(kind) ?? ''))]),
  });
}
