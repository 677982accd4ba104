/**
 * A broker of our own: nats-server with JetStream on a free port of 127.0.0.1, under the guard that ends it with us. Its
 * store lives in a folder that nobody needs afterwards, because NATS is transport and the ledger is the truth.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TLS_FILES } from '@facet/security';
import { makeFolder, readRegularText, TrainingError, writeWhole } from '@facet/shared';
import { brokerAuthorization, urlWithLogin, type BrokerLogins } from '../broker/broker-users.js';
import { requireJetStream } from './broker-probe.js';
import { guarded } from './broker-guard.js';
import { describeEnd, startChild, type Child } from './child-process.js';
import { lastLines } from './log-tail.js';

const MOST_PORTS_BYTES = 1024 * 1024;

const START_DEADLINE_MS = 20_000;
const POLL_MS = 20;

export interface BrokerOptions {
  /** The nats-server binary. */
  readonly binary: string;
  /** A folder for the store; removed when the broker ends. */
  readonly folder: string;
  readonly logFile: string;
  /** Where it listens. Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** With which it asks for certificates; absent: in the open. */
  readonly tlsFolder?: string | undefined;
  /** Who may do what; absent: everybody may do everything. */
  readonly users?: { readonly run: string; readonly logins: BrokerLogins } | undefined;
  /** Absent: a server of its own. */
  readonly cluster?: BrokerCluster | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The place of one server in a cluster on this machine. */
export interface BrokerCluster {
  readonly name: string;
  /** Unlike that of every other server. */
  readonly serverName: string;
  /** For the other servers. */
  readonly port: number;
  /** Of all servers. */
  readonly ports: readonly number[];
  /** What servers say to each other. */
  readonly password: string;
}

export interface RunningBroker {
  /** With the login of the coordinator, if there are users. */
  readonly url: string;
  /** With the login of workers. */
  readonly workerUrl: string;
  readonly process: Child;
}

/** Starts the process; it is not ready yet. */
export function startBrokerProcess({
  binary,
  folder,
  logFile,
  host = '127.0.0.1',
  port = -1,
  tlsFolder,
  users,
  cluster,
  env,
}: BrokerOptions): Child {
  const store = path.join(folder, 'broker');
  const secure = tlsFolder === undefined ? [] : tlsArguments(tlsFolder);
  const args = ['-a', host, '-p', String(port), '--ports_file_dir', store, '-js', '-sd', store, ...secure];
  if (users !== undefined || cluster !== undefined) args.push('-c', configFile(folder));
  return startChild({ name: 'broker', ...guarded(folder, { command: binary, args }), logFile, env });
}

/** nats-server's configuration, with passwords. */
function configFile(folder: string): string {
  return path.join(folder, 'broker.json');
}

/** What the command line does not say. */
function configOf({ users, cluster, tlsFolder }: BrokerOptions): object {
  return {
    ...(users !== undefined && { authorization: brokerAuthorization(users.run, users.logins) }),
    ...(cluster !== undefined && { server_name: cluster.serverName, cluster: clusterConfig(cluster, tlsFolder) }),
  };
}

function clusterConfig({ name, port, ports, password }: BrokerCluster, tlsFolder: string | undefined): object {
  const user = 'server';
  const of = (file: string): string => path.join(tlsFolder ?? '', file);
  const { authority, certificate, key } = TLS_FILES;
  return {
    name,
    listen: `127.0.0.1:${port}`,
    authorization: { user, password, timeout: 5 },
    routes: ports.map((other) => `nats-route://${user}:${password}@127.0.0.1:${other}`),
    // Clients keep to the addresses that they were given.
    no_advertise: true,
    ...(tlsFolder !== undefined && {
      tls: { ca_file: of(authority), cert_file: of(certificate), key_file: of(key), verify: true, timeout: 5 },
    }),
  };
}

function tlsArguments(folder: string): string[] {
  const of = (name: string): string => path.join(folder, name);
  const { authority, certificate, key } = TLS_FILES;
  return ['--tlsverify', '--tlscacert', of(authority), '--tlscert', of(certificate), '--tlskey', of(key)];
}

/**
 * Starts a broker and waits until it answers.
 *
 * @throws TrainingError BROKER_UNREACHABLE with the end of its log when it does not come up.
 */
export async function startBroker(options: BrokerOptions, onStarted: (child: Child) => void): Promise<RunningBroker> {
  const store = path.join(options.folder, 'broker');
  await makeFolder(store);
  const { users } = options;
  await writeWhole(configFile(options.folder), JSON.stringify(configOf(options)), 'owner');
  // One that was killed in this folder has left its own.
  for (const file of await portsFiles(store)) await rm(file, { force: true });
  const child = startBrokerProcess(options);
  onStarted(child);
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const url = await readPortsFile(store);
    if (url !== undefined) {
      await requireJetStream(url);
      if (users === undefined) return { url, workerUrl: url, process: child };
      const { coordinator, worker } = users.logins;
      return { url: urlWithLogin(url, coordinator), workerUrl: urlWithLogin(url, worker), process: child };
    }
    const end = child.end();
    if (end !== undefined) throw await notStarted(child, `it ended with ${describeEnd(end)}`);
    if (performance.now() > deadline) throw await notStarted(child, `it has no port after ${START_DEADLINE_MS} ms`);
    await delay(POLL_MS);
  }
}

/** The address in the file that nats-server writes once it listens; undefined until that file is whole. */
async function readPortsFile(folder: string): Promise<string | undefined> {
  try {
    const [file] = await portsFiles(folder);
    if (file === undefined) return undefined;
    const ports = JSON.parse(await readRegularText(file, MOST_PORTS_BYTES)) as {
      nats?: readonly string[];
    };
    return ports.nats?.[0];
  } catch {
    return undefined;
  }
}

async function portsFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.ports')).map((name) => path.join(folder, name));
}

async function notStarted(child: Child, fault: string): Promise<TrainingError> {
  const told = (await lastLines(child, 8)).map((line) => `  ${line}`).join('\n');
  return new TrainingError('BROKER_UNREACHABLE', `nats-server did not start: ${fault}; its last lines:\n${told}`);
}
