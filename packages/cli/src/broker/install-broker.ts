/**
 * Makes sure that this machine has a broker: what find-broker.ts finds, else Debian's package, else the pinned release.
 * Used by `facet up`, `npm run quickstart` and `npm test`, before anything is started. When nothing works, one error lists every
 * place that was tried with its reason, and what to do.
 */

import { TrainingError } from '@facet/shared';
import { installWithApt } from './apt.js';
import { PINNED_BROKER_RELEASE, downloadBroker, type BrokerRelease } from './download-broker.js';
import {
  OLDEST_BROKER_VERSION,
  findBroker,
  type Broker,
  type BrokerAttempt,
  type BrokerSearchOptions,
} from './find-broker.js';

export { installWithApt } from './apt.js';

export interface EnsureBrokerOptions extends BrokerSearchOptions {
  /** Receives short plain lines; nothing else is printed. */
  readonly log: (line: string) => void;
  readonly arch?: string;
  readonly isRoot?: boolean;
  readonly release?: BrokerRelease;
}

/** Finds or installs a broker. Throws BROKER_NOT_FOUND with everything that was tried. */
export async function ensureBroker(options: EnsureBrokerOptions): Promise<Broker> {
  const { log, env = process.env, release = PINNED_BROKER_RELEASE } = options;
  const found = await findBroker(options);
  if (found.ok) return found.broker;
  if (found.isForced) throw new TrainingError('BROKER_NOT_FOUND', brokenNamedBroker(found.attempts));
  const attempts = [...found.attempts];

  const rights = options.isRoot === undefined ? {} : { isRoot: options.isRoot };
  const apt = await installWithApt({ packageName: 'nats-server', service: 'nats-server', log, env, ...rights });
  if (apt.ok) {
    const installed = await findBroker(options);
    if (installed.ok) return installed.broker;
    const seen = installed.attempts.map(({ where, reason }) => `${where}: ${reason}`).join('; ');
    attempts.push({ where: 'apt', reason: `the package was installed, but no broker that works was found (${seen})` });
  } else {
    attempts.push({ where: 'apt', reason: apt.reason });
  }

  const download = await downloadBroker({ ...options, env, release });
  if (download.ok) return { path: download.path, version: release.version, source: 'cache' };
  attempts.push({ where: download.where, reason: download.reason });
  throw new TrainingError('BROKER_NOT_FOUND', noBroker(attempts));
}

function brokenNamedBroker(attempts: readonly BrokerAttempt[]): string {
  const told = attempts.map(({ where, reason }) => `${where}: ${reason}`).join('; ');
  return `The broker that the environment names does not work. ${told}. Correct NATS_SERVER_BIN, or unset it to let Facet find a broker.`;
}

function noBroker(attempts: readonly BrokerAttempt[]): string {
  return [
    'Facet needs a NATS broker (nats-server); none was found and none could be installed. Tried:',
    ...attempts.map(({ where, reason }) => `  ${where}: ${reason}`),
    `What to do: install nats-server ${OLDEST_BROKER_VERSION} or newer (Debian, Ubuntu: apt-get install nats-server;`,
    'macOS: brew install nats-server; any system: a release of github.com/nats-io/nats-server), then put it on PATH',
    'or set NATS_SERVER_BIN to the file.',
  ].join('\n');
}
