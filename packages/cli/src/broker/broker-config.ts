/**
 * The configuration of a nats-server for runs on a network: JetStream; TLS that asks every client for a certificate of the same
 * authority; and users who may do what their role in a run needs. nats-server reads replaced files when it gets SIGHUP.
 */
import path from 'node:path';
import { roleUri, TLS_FILES } from '@facet/security';
import { brokerAuthorization, type BrokerIdentities } from './broker-users.js';

export interface BrokerConfig {
  readonly host: string;
  readonly port: number;
  /** The broker's TLS folder; absent: in the open. */
  readonly tlsFolder: string | undefined;
  /** Where JetStream keeps what it stores. */
  readonly store: string;
  /** Absent: everybody who gets in may do everything. */
  readonly users?: { readonly run: string; readonly identities: BrokerIdentities } | undefined;
}

/** Users that a broker knows by the role in their certificate. */
export const CERTIFIED_USERS: BrokerIdentities = {
  coordinator: { user: roleUri({ role: 'coordinator' }) },
  worker: { user: roleUri({ role: 'worker' }) },
};

/** nats.conf, with absolute paths. */
export function brokerConfigText({ host, port, tlsFolder, store, users }: BrokerConfig): string {
  const about = users === undefined ? '' : ` for run ${users.run}`;
  const parts = [
    `# nats-server -c nats.conf${about}; after a change of this file or of certificates: nats-server --signal reload`,
    `listen: ${quoted(`${host}:${port}`)}`,
    `jetstream {\n  store_dir: ${quoted(path.resolve(store))}\n}`,
  ];
  if (tlsFolder !== undefined) parts.push(tlsPart(tlsFolder, users !== undefined));
  // Its syntax takes JSON as it is.
  if (users !== undefined) {
    parts.push(`authorization: ${JSON.stringify(brokerAuthorization(users.run, users.identities), null, 2)}`);
  }
  return `${parts.join('\n')}\n`;
}

function tlsPart(folder: string, hasUsers: boolean): string {
  const file = (name: string): string => quoted(path.resolve(folder, name));
  return `tls {
  ca_file: ${file(TLS_FILES.authority)}
  cert_file: ${file(TLS_FILES.certificate)}
  key_file: ${file(TLS_FILES.key)}
  ${hasUsers ? 'verify_and_map' : 'verify'}: true
  timeout: 5
}`;
}

/** In the syntax of nats-server: JSON's escapes are its own. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
