/**
 * The configuration of a nats-server for runs on a network: JetStream, and TLS that asks every client for a certificate of the
 * same authority. nats-server reads replaced certificates when it gets SIGHUP.
 */
import path from 'node:path';
import { TLS_FILES } from '@facet/security';

export interface BrokerConfig {
  readonly host: string;
  readonly port: number;
  /** The broker's TLS folder. */
  readonly tlsFolder: string;
  /** Where JetStream keeps what it stores. */
  readonly store: string;
}

/** nats.conf, with absolute paths. */
export function brokerConfigText({ host, port, tlsFolder, store }: BrokerConfig): string {
  const file = (name: string): string => quoted(path.resolve(tlsFolder, name));
  return `# nats-server -c nats.conf; after certificates were replaced: nats-server --signal reload
listen: ${quoted(`${host}:${port}`)}
jetstream {
  store_dir: ${quoted(path.resolve(store))}
}
tls {
  ca_file: ${file(TLS_FILES.authority)}
  cert_file: ${file(TLS_FILES.certificate)}
  key_file: ${file(TLS_FILES.key)}
  verify: true
  timeout: 5
}
`;
}

/** In the syntax of nats-server: JSON's escapes are its own. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
