/**
 * `facet stop`, `facet drain` and `facet checkpoint`: orders to the coordinator of a run that trains. They need the operator
 * token, which workers do not have. For a run of this machine both address and token lie in its folder.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { TlsIdentity, type Role } from '@facet/security';
import {
  OPERATOR_TOKEN_FILE,
  operatorTokenOf,
  readOperatorToken,
  TrainingError,
  type OperatorToken,
} from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readAddressFile } from '../runs/address-file.js';
import { giveOrder, type OrderName } from '../runs/operator-client.js';
import { requireRun, runsFolder, type RunPaths } from '../runs/run-folders.js';
import { runningRuns } from '../runs/running-runs.js';
import { openIdentity, TLS_ABOUT, TLS_FLAG } from '../tls/open-identity.js';

interface OrderOptions {
  readonly coordinator?: string;
  readonly run?: string;
  readonly reason?: string;
  readonly tls?: string;
  readonly json?: boolean;
}

interface OrderSpec {
  readonly order: OrderName;
  readonly run: string | undefined;
  readonly workerId?: string;
}

/** Roles whose certificate may give orders. */
const ORDERING: readonly Role[] = ['operator', 'coordinator'];
const ANSWER_MS = 10_000;
/** The coordinator gives up before that. */
const CHECKPOINT_MS = 300_000;
const TOKEN_ABOUT =
  "It needs the operator token: operator.token in the run's folder, or FACET_OPERATOR_TOKEN_FILE, or FACET_OPERATOR_TOKEN.";

export function addOperateCommands(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const withOptions = (command: Command): Command =>
    command
      .option('--coordinator <host:port>', 'address of its coordinator, for a run of another machine')
      .option('--reason <text>', 'what the log and the workers are told')
      .option(TLS_FLAG, TLS_ABOUT)
      .option('--json', 'print one JSON object as the last line of stdout')
      .addHelpText('after', `\n${TOKEN_ABOUT}`);
  withOptions(program.command('stop [run]'))
    .description(`end a run that trains, with a checkpoint; \`facet resume\` goes on with it`)
    .addHelpText('after', '\nExample:\n  facet stop mnist-1')
    .action((name: string | undefined, options: OrderOptions) =>
      run(() => order({ order: 'stop', run: name }, options, context)),
    );
  withOptions(program.command('checkpoint [run]'))
    .description('have a checkpoint taken now of a run that trains')
    .addHelpText('after', '\nExample:\n  facet checkpoint mnist-1')
    .action((name: string | undefined, options: OrderOptions) =>
      run(() => order({ order: 'checkpoint', run: name }, options, context)),
    );
  withOptions(program.command('drain <worker>'))
    .description(`let a worker leave its run without a fault; \`facet status\` names the workers`)
    .option('--run <name>', 'the run that the worker belongs to (default: the only one that runs)')
    .addHelpText('after', '\nExample:\n  facet drain node-3-4711-a1b2c3 --run mnist-1')
    .action((workerId: string, options: OrderOptions) =>
      run(() => order({ order: 'drain', run: options.run, workerId }, options, context)),
    );
}

async function order(spec: OrderSpec, options: OrderOptions, context: CliContext): Promise<ExitCode> {
  const { stdout } = context;
  const target = await targetOf(spec.run, options, context);
  const answer = await giveOrder({
    ...target,
    order: spec.order,
    ...(spec.workerId !== undefined && { workerId: spec.workerId }),
    reason: options.reason ?? '',
    deadlineMs: spec.order === 'checkpoint' ? CHECKPOINT_MS : ANSWER_MS,
  });
  if (options.json) printJson(stdout, { order: spec.order, address: target.address, ...answer });
  else printLine(stdout, `${answer.message} (step ${answer.step})`);
  return EXIT.ok;
}

interface Target {
  readonly address: string;
  readonly tls: TlsIdentity | undefined;
  readonly token: OperatorToken;
}

/** Whom to ask, and with what: as the flags and the environment say, or as the folder of the run does. */
async function targetOf(named: string | undefined, options: OrderOptions, context: CliContext): Promise<Target> {
  const { env } = context;
  const { coordinator } = options;
  const name = named ?? (coordinator === undefined ? await onlyRunning(context) : undefined);
  const paths = name === undefined ? undefined : await requireRun(runsFolder(env), name);
  const found = paths === undefined || coordinator !== undefined ? undefined : await readAddressFile(paths.address);
  const address = coordinator ?? found?.address;
  if (address === undefined) {
    throw new TrainingError(
      'COORDINATOR_UNREACHABLE',
      `run ${name ?? ''} does not run on this machine now; give the address of its coordinator with --coordinator HOST:PORT`,
    );
  }
  const given = openIdentity({ folder: options.tls, env, roles: ORDERING });
  const own = found?.tls === undefined ? undefined : new TlsIdentity(found.tls, { roles: ORDERING });
  return { address, tls: given ?? own, token: await requireOperatorToken(paths, env) };
}

/** @throws TrainingError TOKEN_INVALID when there is none, or it cannot be used. */
async function requireOperatorToken(paths: RunPaths | undefined, env: CliContext['env']): Promise<OperatorToken> {
  const given = await operatorTokenOf(env);
  if (given !== undefined) return given;
  const file = paths === undefined ? undefined : path.join(paths.folder, OPERATOR_TOKEN_FILE);
  if (file !== undefined && existsSync(file)) return readOperatorToken(file);
  throw new TrainingError(
    'TOKEN_INVALID',
    `there is no operator token${file === undefined ? '' : ` in ${file}`}; set FACET_OPERATOR_TOKEN_FILE to a copy of operator.token from the run's folder on the coordinator's machine`,
  );
}

/** @throws TrainingError CONFIG_INVALID when none or several run. */
async function onlyRunning({ env }: CliContext): Promise<string> {
  const runs = runsFolder(env);
  const names = (await runningRuns(runs)).map(({ status }) => status.run);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const what = names.length === 0 ? `no run in ${runs} runs now` : `several runs run now: ${names.join(', ')}`;
  throw new TrainingError('CONFIG_INVALID', `${what}; name one, or give --coordinator HOST:PORT`);
}
