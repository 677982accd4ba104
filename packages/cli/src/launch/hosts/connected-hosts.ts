/**
 * The hosts of a launch, connected to before anything else is started: so a host that is missing costs no waiting, and the
 * address at which hosts reach this machine is known.
 */
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TrainingError, type RunConfig } from '@facet/shared';
import type { Environment } from '../../context.js';
import { readCodeVersion } from '../../code-version.js';
import type { ProcessGroup } from '../process-group.js';
import { RENEW_MS, type RunCertificates } from '../../tls/run-certificates.js';
import { fileNameOf, grantNameOf, HostCrew, type ConnectedHost, type HostListener } from './host-crew.js';
import { openLink, type HostLink } from './host-link.js';
import type { HostHello, HostOrder } from './host-messages.js';
import type { HostEntry } from './hosts-file.js';
import { addressForHosts, listenAddress, parseConnection, type HostConnection } from './own-address.js';
import { readSshSettings } from './ssh-command.js';

/** What `facet up --hosts` was asked for. */
export interface HostsWish {
  readonly entries: readonly HostEntry[];
  /** Path of `facet` on the hosts. */
  readonly remoteFacet: string | undefined;
  /** Where coordinator and broker listen; absent: where the hosts see this machine. */
  readonly ownAddress: string | undefined;
}

export interface ConnectPlace {
  readonly config: RunConfig;
  readonly env: Environment;
  readonly logs: string;
  readonly group: ProcessGroup;
  readonly stop: AbortSignal;
  readonly onNote: (note: string) => void;
}

interface Reached extends ConnectedHost {
  readonly connection: HostConnection;
}

export class ConnectedHosts {
  /** The configuration with where this machine is reached, and how many workers there are. */
  readonly config: RunConfig;
  readonly #hosts: readonly Reached[];
  readonly #place: ConnectPlace;

  constructor(hosts: readonly Reached[], place: ConnectPlace, ownAddress: string | undefined) {
    this.#hosts = hosts;
    this.#place = place;
    const { config } = place;
    const host =
      ownAddress ??
      addressForHosts(
        hosts.map(({ connection }) => connection),
        addressesOfThisMachine(),
      );
    const count = hosts.reduce((sum, { entry }) => sum + entry.slots, 0);
    this.config = Object.freeze({
      ...config,
      coordinator: { ...config.coordinator, host },
      workers: { ...config.workers, count },
    });
  }

  /** Starts the workers of all hosts. */
  crew(of: CrewOf): HostCrew {
    const { logs, stop, onNote } = this.#place;
    const crew = new HostCrew({
      hosts: this.#hosts,
      maxRestarts: of.maxRestarts,
      logs,
      orderFor: ({ entry }) => this.#orderFor(this.#reached(entry), of),
      isOver: of.isOver,
      onNote,
      wait: (ms) => delay(ms, undefined, { signal: stop }).catch(() => undefined),
    });
    this.#renewFor(crew, of);
    return crew;
  }

  #renewFor(crew: HostCrew, { certificates }: CrewOf): void {
    if (certificates === undefined) return;
    const timer = setInterval(() => {
      crew
        .renew(({ entry }) => certificates.issueWorker(this.#grantOf(this.#reached(entry))))
        .catch((caught: unknown) => {
          this.#place.onNote(`certificates were not renewed: ${TrainingError.from(caught).message}`);
        });
    }, RENEW_MS);
    timer.unref();
    void crew.gone.then(() => {
      clearInterval(timer);
    });
  }

  #reached(entry: HostEntry): Reached {
    return this.#hosts.find((host) => host.entry === entry)!;
  }

  #grantOf({ entry, connection }: Reached): { readonly name: string; readonly hosts: readonly string[] } {
    return { name: grantNameOf(entry.name), hosts: [listenAddress(connection, this.config.coordinator.host)] };
  }

  async #orderFor(host: Reached, of: CrewOf): Promise<HostOrder> {
    const { config, env } = this.#place;
    const { entry, connection } = host;
    const listen = listenAddress(connection, this.config.coordinator.host);
    const identity = await of.certificates?.issueWorker(this.#grantOf(host));
    const logLevel = env['FACET_LOG_LEVEL'];
    return {
      kind: 'order',
      coordinator: of.coordinator(),
      workers: entry.slots,
      listen,
      ...(identity !== undefined && { identity }),
      hasPlainMetrics: config.tls?.http === 'plain',
      token: of.token,
      maxRestarts: of.maxRestarts,
      ...(logLevel !== undefined && logLevel !== '' && { logLevel }),
    };
  }
}

export interface CrewOf {
  readonly maxRestarts: number;
  /** host:port of whoever leads now. */
  readonly coordinator: () => string;
  readonly token: string;
  readonly certificates: Pick<RunCertificates, 'issueWorker'> | undefined;
  readonly isOver: () => boolean;
}

/**
 * Connects to all hosts at once. Those that cannot be reached are named and left out, if the others have enough workers.
 *
 * @returns undefined when the launch was stopped meanwhile
 * @throws TrainingError HOST_UNREACHABLE when too few are left; VERSION_MISMATCH naming every host with another Facet;
 *   CONFIG_INVALID when no address is common.
 */
export async function connectHosts(wish: HostsWish, place: ConnectPlace): Promise<ConnectedHosts | undefined> {
  const { config, env, stop, onNote } = place;
  const codeVersion = await readCodeVersion(env);
  const names = wish.entries.map(({ name, slots }) => `${name} (${slots})`).join(', ');
  onNote(`connecting to ${names}`);
  const tried = await Promise.all(wish.entries.map((entry) => tryHost(entry, { wish, place, codeVersion })));
  if (stop.aborted) return undefined;
  const faults = tried.flatMap((one) => (one instanceof TrainingError ? [one] : []));
  const foreign = faults.filter(({ code }) => code === 'VERSION_MISMATCH');
  if (foreign.length > 0) throw new TrainingError('VERSION_MISMATCH', told(foreign));
  const reached = tried.flatMap((one) => (one instanceof TrainingError ? [] : [one]));
  const count = reached.reduce((sum, { entry }) => sum + entry.slots, 0);
  const { min } = config.workers;
  if (count < min || count === 0) {
    const wanted = `the others have ${count} workers, expected at least workers.min, which is ${min}`;
    throw new TrainingError('HOST_UNREACHABLE', `${told(faults)}\n${wanted}`);
  }
  for (const { message } of faults) onNote(`cannot be reached: ${message}; training goes on without it`);
  return new ConnectedHosts(reached, place, wish.ownAddress);
}

interface Attempt {
  readonly wish: HostsWish;
  readonly place: ConnectPlace;
  readonly codeVersion: string;
}

async function tryHost(entry: HostEntry, { wish, place, codeVersion }: Attempt): Promise<Reached | TrainingError> {
  const { env, logs, group, stop } = place;
  const settings = await readSshSettings(entry.name, env);
  let listener: HostListener = { onMessage: () => undefined, onWords: () => undefined };
  const connect = (): HostLink => {
    const link = openLink({
      ...{ entry, settings, codeVersion, env, remoteFacet: wish.remoteFacet },
      logFile: path.join(logs, `${fileNameOf(entry.name)}.log`),
      onMessage: (message) => {
        listener.onMessage(message);
      },
      onWords: (line) => {
        listener.onWords(line);
      },
    });
    group.adopt('worker', link);
    return link;
  };
  const link = connect();
  const onStop = (): void => {
    link.kill();
  };
  stop.addEventListener('abort', onStop);
  try {
    const hello = await link.hello;
    return {
      ...{ entry, link, connect },
      connection: connectionOf(entry, hello),
      listen: (next) => {
        listener = next;
      },
    };
  } catch (caught) {
    return TrainingError.from(caught);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** @throws TrainingError HOST_UNREACHABLE when what answers is no sshd. */
function connectionOf({ name }: HostEntry, hello: HostHello): HostConnection {
  const connection = parseConnection(name, hello.connection);
  if (connection !== undefined) return connection;
  throw new TrainingError(
    'HOST_UNREACHABLE',
    `${name}: SSH_CONNECTION is '${hello.connection}', expected two addresses and ports, as sshd sets it`,
  );
}

function told(faults: readonly TrainingError[]): string {
  return faults.map(({ message }) => message).join('\n');
}

function addressesOfThisMachine(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}
