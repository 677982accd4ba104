/**
 * `facet status`: how a run does, once. Without an address it looks for runs that run on this machine.
 */
import type { Command } from 'commander';
import type { Status } from '@facet/proto';
import type { TlsIdentity } from '@facet/security';
import { checkLedgerFile, readLedgerFile, TrainingError, type LedgerRecord } from '@facet/shared';
import { printJson, printLine, printStyled, type CliContext, type CommandAction } from '../context.js';
import { frameLines } from '../display/frame.js';
import { paletteFor } from '../display/palette.js';
import { askStatus } from '../runs/status-client.js';
import { openIdentity, TLS_ABOUT, TLS_FLAG, WATCHERS } from '../tls/open-identity.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { runningRuns, type RunningRun } from '../runs/running-runs.js';
import { runsFolder } from '../runs/run-folders.js';
import { findRun, isRunPlace } from '../runs/run-place.js';

interface StatusOptions {
  readonly coordinator?: string;
  readonly tls?: string;
  readonly json?: boolean;
}

/** A line that is not cut: the output of a command may be as wide as it is. */
const PIPE_COLUMNS = 1_000;

export function addStatusCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  program
    .command('status [place]')
    .description('show the current state of a run; with STORE/RUN, what a store knows of one')
    .option('--coordinator <host:port>', 'address of its coordinator (default: the runs on this machine)')
    .option(TLS_FLAG, TLS_ABOUT)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet status --coordinator 10.0.0.5:5555')
    .action((place: string | undefined, options: StatusOptions) =>
      run(() => (place === undefined ? showStatus(options, context) : showStored(place, options, context))),
    );
}

async function showStatus({ coordinator, tls, json }: StatusOptions, context: CliContext): Promise<ExitCode> {
  const { stdout, env } = context;
  const identity = openIdentity({ folder: tls, env, roles: WATCHERS });
  const found = coordinator === undefined ? await findRunning(context) : [await ask(coordinator, identity)];
  if (json) {
    const [only] = found;
    const objects = found.map(({ address, status }) => ({ ...status, address }));
    printJson(stdout, found.length === 1 && only !== undefined ? objects[0] : { runs: objects });
    return EXIT.ok;
  }
  const { columns = PIPE_COLUMNS } = stdout as { columns?: number };
  for (const { address, status } of found) {
    const palette = paletteFor(stdout, env);
    for (const line of frameLines(status, { columns, rows: status.workers.length + 10, palette }))
      printStyled(stdout, line);
    printLine(stdout, `coordinator at ${address}`);
  }
  return EXIT.ok;
}

/** What a store knows of a run: how far its ledger goes, and how it ended. */
async function showStored(place: string, { json }: StatusOptions, context: CliContext): Promise<ExitCode> {
  const { stdout } = context;
  if (!isRunPlace(place)) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `'${place}': expected STORE/RUN, such as nats://HOST:PORT/RUN, or no name`,
    );
  }
  const { paths } = await findRun(place, context, { checkpoints: 'none' });
  const { run, steps, epochs, faults, clean } = await checkLedgerFile(paths.ledger);
  const last = (await lastRecord(paths.ledger)) ?? { kind: 'none', at: '' };
  const state = last.kind === 'end' ? last.reason : 'open';
  const status = { place, run, state, step: steps, epochs: epochs.length, faults, lastRecordAt: last.at, clean };
  if (json) printJson(stdout, status);
  else {
    printLine(stdout, `run ${run} in ${place}: ${state}, step ${steps}, ${epochs.length} epochs, ${faults} faults`);
    printLine(stdout, `last record at ${last.at}`);
  }
  return EXIT.ok;
}

async function lastRecord(file: string): Promise<LedgerRecord | undefined> {
  let last: LedgerRecord | undefined;
  await readLedgerFile(file, (record) => {
    last = record;
  });
  return last;
}

async function ask(
  address: string,
  tls: TlsIdentity | undefined,
): Promise<{ readonly address: string; readonly status: Status }> {
  const answer = await askStatus({ address, tls });
  if (answer.ok) return { address, status: answer.status };
  throw new TrainingError(
    answer.code,
    `no coordinator answers at ${address}: ${answer.reason}; check the address, and that the run has not ended`,
  );
}

async function findRunning({ env }: CliContext): Promise<RunningRun[]> {
  const runs = runsFolder(env);
  const found = await runningRuns(runs);
  if (found.length > 0) return found;
  throw new TrainingError(
    'COORDINATOR_UNREACHABLE',
    `no run in ${runs} runs now; give the address of a coordinator elsewhere with --coordinator HOST:PORT`,
  );
}
