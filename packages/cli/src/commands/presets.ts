/**
 * `facet presets`: lists the presets with their size, accuracy and time as measured.
 */
import type { Command } from 'commander';
import { PRESET_RECORDS, PRESETS, type PresetName } from '@facet/multiview/config';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { formatAccuracy, formatCount, formatMacs, formatSeconds } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

interface PresetsOptions {
  readonly json?: boolean;
}

export function addPresetsCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('presets')
    .description('list the presets, each a model with its recipe: size, epochs, accuracy and time as measured')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet presets')
    .action((options: PresetsOptions) => run(() => Promise.resolve(list(options, context))));
}

function list(options: PresetsOptions, { stdout }: CliContext): ExitCode {
  const names = Object.keys(PRESETS) as PresetName[];
  if (options.json) {
    const presets = names.map((name) => ({ name, ...PRESETS[name], measured: PRESET_RECORDS[name] }));
    printJson(stdout, { presets });
    return EXIT.ok;
  }
  const lines = tableLines({
    header: [
      'preset',
      'dataset',
      'parameters',
      'MACs per image',
      'epochs',
      'test accuracy',
      'time, 2 workers on 2 cores',
    ],
    right: [2, 3, 4, 5, 6],
    rows: names.map((name) => {
      const { parameters, macsPerImage, testAccuracy, seconds } = PRESET_RECORDS[name];
      return [
        name,
        PRESETS[name].dataset,
        formatCount(parameters),
        formatMacs(macsPerImage),
        String(PRESETS[name].epochs),
        formatAccuracy(testAccuracy),
        formatSeconds(seconds),
      ];
    }),
  });
  for (const line of lines) printLine(stdout, line);
  printLine(
    stdout,
    '\nfacet up --preset NAME trains one; every key can be set with --set. docs/results says how these were measured, and which\ntimes are upper bounds because the machine was busy.',
  );
  return EXIT.ok;
}
