/**
 * `facet explain`: what happened in a run, in words: every interruption with its first cause, what followed, what was lost and
 * what to do now. It reads the run's folder and starts nothing.
 */
import type { Command } from 'commander';
import { accountLines, accountOf } from '@facet/lab/data';
import { visibleLine } from '@facet/shared';
import { printJson, printLine, printStyled, type CliContext, type CommandAction } from '../context.js';
import { paletteFor } from '../display/palette.js';
import { wrapText } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readRunFacts } from '../runs/read-run-facts.js';
import { findRun } from '../runs/run-place.js';

/** Of a pipe: wide enough for most lines, narrow enough to read. */
const PIPE_COLUMNS = 120;

export function addExplainCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('explain <run>')
    .description('say what went wrong in a run: causes, what followed, what was lost, what to do')
    .usage('[options] <run name | run folder | STORE/RUN>')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet explain mnist-fast-20261123-181500')
    .action((name: string, options: { json?: boolean }) => run(() => explain(name, options, context)));
}

async function explain(name: string, { json }: { json?: boolean }, context: CliContext): Promise<ExitCode> {
  const { stdout, env } = context;
  const { paths, warnings } = await findRun(name, { env }, { checkpoints: 'none' });
  for (const warning of warnings) printLine(context.stderr, `warning: ${warning}`);
  const account = accountOf(await readRunFacts(paths));
  if (json) {
    printJson(stdout, account);
    return EXIT.ok;
  }
  const columns = stdout.columns ?? PIPE_COLUMNS;
  const palette = paletteFor(stdout, env);
  for (const { text, tone, indent } of accountLines(account)) {
    for (const line of wrapIndented(visibleLine(text), columns, indent))
      printStyled(stdout, tone === 'plain' ? line : palette[tone](line));
  }
  return EXIT.ok;
}

/** Wraps a line between words; what follows the first part is indented. */
function wrapIndented(text: string, columns: number, indent: number): string[] {
  const lead = /^ */.exec(text)![0].length;
  if (text.length <= columns) return [text];
  const label = text.slice(0, Math.max(indent, lead));
  const room = Math.max(columns - indent, 20);
  const isLabelled = lead > 0;
  const [first = '', ...more] = wrapText(isLabelled ? text.slice(indent) : text, room);
  return [isLabelled ? `${label}${first}` : first, ...more.map((line) => `${' '.repeat(indent)}${line}`)];
}
