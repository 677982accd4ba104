/**
 * `facet broker config`: a configuration of nats-server with TLS. `facet up` needs none: it starts a broker of its own.
 */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { TLS_FILES, TlsIdentity } from '@facet/security';
import { TrainingError } from '@facet/shared';
import { brokerConfigText } from '../broker/broker-config.js';
import { printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readOrder } from '../tls/certificate-order.js';

interface BrokerConfigOptions {
  readonly pki?: string;
  readonly tls?: string;
  readonly host: readonly string[];
  readonly listen: string;
  readonly port: string;
  readonly store: string;
}

const MOST_PORT = 65_535;
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
    .description('print a nats.conf with TLS, for nats-server')
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
    .option('--listen <address>', 'address to listen on', '0.0.0.0')
    .option('--port <number>', 'port to listen on', '4222')
    .option('--store <folder>', 'where JetStream keeps what it stores', 'jetstream')
    .addHelpText('after', '\nExample:\n  facet broker config --pki ./pki --host broker.example > nats.conf')
    .action((options: BrokerConfigOptions) => run(() => printConfig(options, context)));
}

async function printConfig(options: BrokerConfigOptions, { stdout, stderr }: CliContext): Promise<ExitCode> {
  const { pki, tls, listen: host, store } = options;
  const port = Number(options.port);
  if (!/^\d+$/.test(options.port) || port < 1 || port > MOST_PORT) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `--port: '${options.port}', expected a whole number from 1 to ${MOST_PORT}`,
    );
  }
  const tlsFolder = tls ?? (pki === undefined ? undefined : path.join(pki, 'broker'));
  if (tlsFolder === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      '--pki: missing, expected the folder of an authority, or --tls with a certificate',
    );
  }
  if (tls === undefined && pki !== undefined && !existsSync(path.join(tlsFolder, TLS_FILES.certificate))) {
    const hosts = options.host.length === 0 ? ['localhost', '127.0.0.1', hostname()] : options.host;
    const order = readOrder({ roles: ['broker'], hosts, days: CERTIFICATE_DAYS });
    const { openPki } = await import('@facet/security/authority');
    await (await openPki(pki)).issue(order, tlsFolder);
    printLine(stderr, `${tlsFolder}: a certificate for a broker at ${hosts.join(', ')}`);
  }
  // A broker that could not be used is found here and not at the start of a run.
  const identity = new TlsIdentity(tlsFolder, { roles: ['broker'] });
  stdout.write(brokerConfigText({ host, port, tlsFolder: identity.folder, store }));
  return EXIT.ok;
}
