/**
 * `facet ledger check`: proves from the ledger alone, without config, weights or dataset, that every sample of every epoch
 * was committed exactly once, in the step that the plan gives it; or says what is wrong.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { checkLedgerFile, TrainingError, type LedgerVerdict } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { formatCount } from '@facet/lab/data';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { pathsIn } from '../runs/run-folders.js';
import { findRun, isRunPlace } from '../runs/run-place.js';

export function addLedgerCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const ledger = program.command('ledger').description('read the ledger of a run');
  ledger
    .command('check <run>')
    .description('prove from the ledger alone that every sample of every epoch was used exactly once')
    .usage('[options] <run name | ledger file | run folder | STORE/RUN>')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet ledger check mnist-fast-20261123-181500')
    .action((name: string, options: { json?: boolean }) => run(() => check(name, options, context)));
}

async function check(name: string, { json }: { json?: boolean }, context: CliContext): Promise<ExitCode> {
  const file = await ledgerFile(name, context);
  const verdict = await judge(file);
  const { hasTornTail: tornTail, ...report } = verdict;
  if (json) printJson(context.stdout, { ...report, file, tornTail });
  else for (const line of reportLines(file, verdict)) printLine(context.stdout, line);
  return verdict.clean ? EXIT.ok : EXIT.failed;
}

/** A name is a run's; a path is a ledger's or a run folder's. */
async function ledgerFile(name: string, { env }: CliContext): Promise<string> {
  if (!isRunPlace(name) && (name.includes(path.sep) || name.endsWith('.jsonl'))) {
    const isFolder = existsSync(name) && statSync(name).isDirectory();
    return isFolder ? pathsIn(name).ledger : name;
  }
  return (await findRun(name, { env }, { checkpoints: 'none' })).paths.ledger;
}

async function judge(file: string): Promise<LedgerVerdict> {
  try {
    return await checkLedgerFile(file);
  } catch (caught) {
    if (caught instanceof TrainingError) throw caught;
    const { code, message } = caught as NodeJS.ErrnoException;
    const fault = code === 'ENOENT' ? 'there is no such file' : message;
    throw new TrainingError('LEDGER_INVALID', `${file}: ${fault}; expected a run's name or its ledger.jsonl`, {
      cause: caught,
    });
  }
}

function reportLines(file: string, verdict: LedgerVerdict): string[] {
  const { run, epochs, steps, faults, replays, changes, earlyEnd, expected, committed, missing, duplicated } = verdict;
  const { hasTornTail, isChained, sha256, problems, clean } = verdict;
  const cells = (of: Pick<LedgerVerdict, 'expected' | 'committed' | 'missing' | 'duplicated'>): string[] =>
    [of.expected, of.committed, of.missing, of.duplicated].map(formatCount);
  // Epochs that nothing was committed to look alike: their number is enough.
  const last = epochs.findLastIndex((epoch) => epoch.committed + epoch.foreign > 0);
  const started = epochs.slice(0, last + 1);
  const untouched = epochs.length - started.length;
  return [
    `ledger ${file} of run ${run}: ${formatCount(steps)} steps, ${formatCount(faults)} faults, ${formatCount(replays)} replays${changes === 0 ? '' : `, ${formatCount(changes)} changes`}`,
    ...tableLines({
      header: ['epoch', 'expected', 'committed', 'missing', 'duplicated'],
      right: [0, 1, 2, 3, 4],
      rows: [
        ...started.map((epoch) => [String(epoch.epoch + 1), ...cells(epoch)]),
        ['all', ...cells({ expected, committed, missing, duplicated })],
      ],
    }),
    ...(untouched === 0 ? [] : [`${formatCount(untouched)} of ${formatCount(epochs.length)} epochs have not begun`]),
    ...(earlyEnd === undefined ? [] : [`ended early: ${earlyEnd}`]),
    `sha256 ${sha256}`,
    ...(hasTornTail
      ? ['note: the last line is torn, as after a crash; it was never acknowledged and does not count']
      : []),
    ...(isChained ? [] : ['note: lines of an earlier version of Facet do not vouch for the lines before them']),
    ...problems.map((problem) => `problem: ${problem}`),
    clean ? 'clean: every sample of every epoch was committed exactly once, as planned' : 'NOT clean',
  ];
}
