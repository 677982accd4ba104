/**
 * `facet certs`: a private authority and its certificates, for runs on a network. Whoever has a company's authority, or
 * cert-manager, needs none of it: a TLS folder with certificates from there works too.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { roleUri, TLS_FILES, type CertificateFacts } from '@facet/security';
import { TrainingError } from '@facet/shared';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { tableLines } from '../display/table.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readDays, readOrder } from '../tls/certificate-order.js';

interface JsonOption {
  readonly json?: boolean;
}
interface IssueOptions extends JsonOption {
  readonly role: readonly string[];
  readonly name?: string;
  readonly host: readonly string[];
  readonly days: string;
  readonly out: string;
}

const AUTHORITY_DAYS = '3650';
const CERTIFICATE_DAYS = '90';
const SERIAL = /^[0-9A-Fa-f]{8,40}$/;

export function addCertsCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const certs = program.command('certs').description('make, show, renew and revoke certificates for runs on a network');
  const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, ...value.split(',')];
  certs
    .command('init <pki>')
    .description('make a private authority in a folder; keep it on one machine')
    .option('--name <text>', 'what the authority is called (default: Facet and a random number)')
    .option('--days <number>', 'how long it is valid', AUTHORITY_DAYS)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet certs init ./pki')
    .action((pki: string, options: JsonOption & { name?: string; days: string }) =>
      run(() => init(pki, options, context)),
    );
  certs
    .command('issue <pki>')
    .description('issue a certificate into a folder for --tls')
    .requiredOption('--role <role>', 'coordinator, worker, broker, status or operator; may be repeated', collect, [])
    .option('--name <name>', 'binds a worker to this id: its workers are called NAME.something')
    .option('--host <host>', 'name or address at which others reach it; may be repeated', collect, [])
    .option('--days <number>', 'how long it is valid', CERTIFICATE_DAYS)
    .requiredOption('--out <folder>', 'the folder to make')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText(
      'after',
      "\nExample:\n  facet certs issue ./pki --role worker --host '*.example' --host 10.0.0.7 --out worker/",
    )
    .action((pki: string, options: IssueOptions) => run(() => issue(pki, options, context)));
  certs
    .command('renew <pki> <folders...>')
    .description('issue the certificates of TLS folders again; processes that run use them for new connections')
    .option('--days <number>', 'how long they are valid (default: as long as before)')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet certs renew ./pki coordinator/ worker/')
    .action((pki: string, folders: string[], options: JsonOption & { days?: string }) =>
      run(() => renew(pki, folders, options, context)),
    );
  certs
    .command('show <places...>')
    .description('what certificates say: of TLS folders, of files, or all that an authority has issued')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet certs show ./pki worker/')
    .action((places: string[], options: JsonOption) => run(() => show(places, options, context)));
  certs
    .command('revoke <pki> <certificates...>')
    .description('revoke certificates: TLS folders, files or serial numbers')
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet certs revoke ./pki worker/')
    .action((pki: string, which: string[], options: JsonOption) => run(() => revoke(pki, which, options, context)));
}

async function init(
  pki: string,
  // Two authorities of one name could not be told apart.
  { name = `Facet ${randomBytes(4).toString('hex')}`, days, json }: JsonOption & { name?: string; days: string },
  { stdout }: CliContext,
): Promise<ExitCode> {
  const { initPki } = await import('@facet/security/authority');
  const { authority } = await initPki(pki, { name, days: requireDays(days) });
  const key = path.join(pki, 'ca.key');
  if (json) printJson(stdout, { authority: path.join(pki, TLS_FILES.authority), key, notAfter: authority.notAfter });
  else {
    printLine(stdout, `authority ${name} in ${pki}, valid until ${dayOf(authority.notAfter)}`);
    printLine(stdout, `whoever has ${key} can join every run; keep it on this machine, or offline`);
  }
  return EXIT.ok;
}

async function issue(pki: string, options: IssueOptions, { stdout }: CliContext): Promise<ExitCode> {
  const { role: roles, name, host: hosts, days, out, json } = options;
  const order = readOrder({ roles, name, hosts, days });
  if (existsSync(path.join(out, TLS_FILES.certificate))) {
    throw new TrainingError(
      'OUTPUT_EXISTS',
      `${out} holds a certificate already; issue it again with \`facet certs renew ${pki} ${out}\`, or name another folder`,
    );
  }
  const { openPki } = await import('@facet/security/authority');
  const facts = await (await openPki(pki)).issue(order, out);
  if (json) printJson(stdout, { ...jsonOf(facts), folder: out });
  else printLine(stdout, `${out}: ${described(facts)}, valid until ${dayOf(facts.notAfter)}`);
  return EXIT.ok;
}

async function renew(
  pki: string,
  folders: readonly string[],
  { days, json }: JsonOption & { days?: string },
  { stdout }: CliContext,
): Promise<ExitCode> {
  const { openPki } = await import('@facet/security/authority');
  const open = await openPki(pki);
  const wanted = days === undefined ? undefined : requireDays(days);
  const renewed: object[] = [];
  for (const folder of folders) {
    const facts = await open.renew(folder, wanted);
    renewed.push({ ...jsonOf(facts), folder });
    if (!json) printLine(stdout, `${folder}: ${described(facts)}, valid until ${dayOf(facts.notAfter)}`);
  }
  if (json) printJson(stdout, { renewed });
  return EXIT.ok;
}

type Shown = CertificateFacts & { readonly place: string; readonly isRevoked?: boolean };

async function show(places: readonly string[], { json }: JsonOption, { stdout }: CliContext): Promise<ExitCode> {
  const { isPkiFolder, openPki, readCertificate } = await import('@facet/security/authority');
  const shown: Shown[] = [];
  for (const place of places) {
    if (isPkiFolder(place)) {
      const issued = await (await openPki(place)).issued();
      shown.push(...issued.map((facts) => ({ ...facts, place })));
    } else {
      const { certificate: _certificate, ...facts } = await readCertificate(place);
      shown.push({ ...facts, place });
    }
  }
  if (json) {
    printJson(stdout, { certificates: shown.map((facts) => ({ ...jsonOf(facts), place: facts.place })) });
    return EXIT.ok;
  }
  const rows = shown.map((facts) => [
    facts.place,
    facts.grants.map(roleUri).join(' ') || facts.subject,
    stateOf(facts),
    dayOf(facts.notAfter),
    facts.serial,
    facts.hosts.join(' '),
  ]);
  const header = ['place', 'role', 'state', 'until', 'serial', 'hosts'];
  for (const line of tableLines({ header, rows })) printLine(stdout, line);
  return EXIT.ok;
}

async function revoke(
  pki: string,
  which: readonly string[],
  { json }: JsonOption,
  { stdout }: CliContext,
): Promise<ExitCode> {
  const { openPki, readCertificate } = await import('@facet/security/authority');
  const open = await openPki(pki);
  const serials: string[] = [];
  for (const place of which) {
    const isSerial = SERIAL.test(place) && !existsSync(place);
    serials.push(isSerial ? place.toUpperCase() : (await readCertificate(place)).serial);
  }
  const known = new Set((await open.issued()).map(({ serial }) => serial));
  const unknown = serials.filter((serial) => !known.has(serial));
  if (unknown.length > 0) {
    throw new TrainingError(
      'CERTIFICATE_INVALID',
      `${unknown.join(', ')}: ${pki} has issued no such certificate; \`facet certs show ${pki}\` lists them`,
    );
  }
  await open.revoke(serials);
  const list = path.join(pki, TLS_FILES.revoked);
  if (json) printJson(stdout, { revoked: serials, list });
  else {
    printLine(stdout, `revoked ${serials.join(', ')}`);
    printLine(stdout, `copy ${list} into every TLS folder: new connections are checked against it at once`);
  }
  return EXIT.ok;
}

function requireDays(text: string): number {
  const days = readDays(text);
  if (days !== undefined) return days;
  throw new TrainingError('CONFIG_INVALID', `--days: '${text}', expected a whole number from 1 to 3650`);
}

function described({ grants, hosts }: CertificateFacts): string {
  const place = hosts.length === 0 ? 'connects only' : `at ${hosts.join(', ')}`;
  return `${grants.map(roleUri).join(' ')} ${place}`;
}

function stateOf({ notBefore, notAfter, isRevoked }: Shown): string {
  const now = Date.now();
  if (isRevoked === true) return 'revoked';
  if (notAfter.getTime() <= now) return 'expired';
  return notBefore.getTime() > now ? 'not yet' : 'valid';
}

function jsonOf(facts: CertificateFacts & { readonly isRevoked?: boolean }): object {
  const { subject, issuer, grants, hosts, serial, fingerprint, notBefore, notAfter, isRevoked } = facts;
  const roles = grants.map(roleUri);
  const state = isRevoked === undefined ? {} : { isRevoked };
  return { subject, issuer, roles, hosts, serial, fingerprint, notBefore, notAfter, ...state };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
