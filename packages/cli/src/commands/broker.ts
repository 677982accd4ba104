/**
 * `facet broker config`: a configuration of nats-server with TLS, with users for a run, or with both. `facet up` needs none: it
 * starts a broker of its own.
 */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { NKEY_VARIABLE, TLS_FILES, TlsIdentity } from '@facet/security';
import { isRunName, RUN_NAME_EXPECTATION, TrainingError } from '@facet/shared';
import { brokerConfigText, CERTIFIED_USERS, type BrokerConfig } from '../broker/broker-config.js';
import { ensureUserKeys } from '../broker/user-keys.js';
import { printLine, type CliContext, type CommandAction } from '../context.js';
import { readPort } from '../config/port-option.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readOrder } from '../tls/certificate-order.js';

interface BrokerConfigOptions {
  readonly pki?: string;
  readonly tls?: string;
  readonly run?: string;
  readonly keys: string;
  readonly host: readonly string[];
  readonly listen: string;
  readonly port: string;
  readonly store: string;
}

const CERTIFICATE_DAYS = '90';

export function addBrokerCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const broker = program.command('broker').description('configure a message broker for runs on a network');
  const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, ...value.split(',')];
  broker
    .command('config')
    .description('print a nats.conf for nats-server, with TLS and with users who may do what a run needs')
    .option(
      '--pki <folder>',
      "the authority; the broker's certificate is in its folder broker, and made if it is missing",
    )
    .option('--tls <folder>', "the broker's certificate, if it is elsewhere: ca.crt, tls.crt and tls.key")
    .option(
      '--host <host>',
      'with --pki: name or address at which others reach the broker; may be repeated',
      collect,
      [],
    )
    .option(
      '--run <name>',
      'a coordinator and workers of this run are let in, and may do what they need and nothing else',
    )
    .option(
      '--keys <folder>',
      'with --run, without a certificate: where their keys are, made if missing',
      'broker-keys',
    )
    .option('--listen <address>', 'address to listen on', '0.0.0.0')
    .option('--port <number>', 'port to listen on', '4222')
    .option('--store <folder>', 'where JetStream keeps what it stores', 'jetstream')
    .addHelpText(
      'after',
      '\nExamples:\n  facet broker config --pki ./pki --host broker.example --run NAME > nats.conf\n  facet broker config --run NAME > nats.conf',
    )
    .action((options: BrokerConfigOptions) => run(() => printConfig(options, context)));
}

async function printConfig(options: BrokerConfigOptions, { stdout, stderr }: CliContext): Promise<ExitCode> {
  const { run, listen: host, store } = options;
  const port = readPort(options.port, { least: 1 });
  if (run !== undefined && !isRunName(run)) {
    throw new TrainingError('CONFIG_INVALID', `--run: '${run}', expected ${RUN_NAME_EXPECTATION}`);
  }
  const note = (text: string): void => {
    printLine(stderr, text);
  };
  const tlsFolder = await tlsFolderOf(options, note);
  const users = run === undefined ? undefined : await usersOf(run, tlsFolder, { keys: options.keys, note });
  stdout.write(brokerConfigText({ host, port, tlsFolder, store, users }));
  return EXIT.ok;
}

/** The folder of the broker's certificate, which is made if the authority is here; undefined for a broker without TLS. */
async function tlsFolderOf(
  { pki, tls, run, host: named }: BrokerConfigOptions,
  note: (text: string) => void,
): Promise<string | undefined> {
  const folder = tls ?? (pki === undefined ? undefined : path.join(pki, 'broker'));
  if (folder === undefined) {
    if (run !== undefined) return undefined;
    throw new TrainingError(
      'CONFIG_INVALID',
      '--pki: missing, expected the folder of an authority, or --tls with a certificate, or --run for users without TLS',
    );
  }
  if (tls === undefined && pki !== undefined && !existsSync(path.join(folder, TLS_FILES.certificate))) {
    const hosts = named.length === 0 ? ['localhost', '127.0.0.1', hostname()] : named;
    const order = readOrder({ roles: ['broker'], hosts, days: CERTIFICATE_DAYS });
    const { openPki } = await import('@facet/security/authority');
    await (await openPki(pki)).issue(order, folder);
    note(`${folder}: a certificate for a broker at ${hosts.join(', ')}`);
  }
  // A broker that could not be used is found here and not at the start of a run.
  return new TlsIdentity(folder, { roles: ['broker'] }).folder;
}

interface KeyPlace {
  readonly keys: string;
  readonly note: (text: string) => void;
}

async function usersOf(
  run: string,
  tlsFolder: string | undefined,
  { keys, note }: KeyPlace,
): Promise<BrokerConfig['users']> {
  if (tlsFolder !== undefined) return { run, identities: CERTIFIED_USERS };
  const { identities, files } = await ensureUserKeys(keys, run);
  note(`coordinators and standbys: ${NKEY_VARIABLE}=${files.coordinator}`);
  note(`workers: ${NKEY_VARIABLE}=${files.worker}; copy the file to their machines, where only its owner may read it`);
  return { run, identities };
}
