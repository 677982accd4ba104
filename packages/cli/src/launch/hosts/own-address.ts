/**
 * At which address of this machine its hosts reach it: the one that their sshd sees the connection come from. Pure.
 */
import { isLoopback, TrainingError } from '@facet/shared';

/** The two ends of a connection, as the host sees them. */
export interface HostConnection {
  readonly host: string;
  /** Of this machine. */
  readonly client: string;
  /** Of the host. */
  readonly server: string;
}

/** Reads SSH_CONNECTION; undefined for a text that is none. */
export function parseConnection(host: string, text: string): HostConnection | undefined {
  const [client = '', , server = '', port] = text.split(' ');
  return port === undefined ? undefined : { host, client: bare(client), server: bare(server) };
}

/**
 * Chooses where coordinator and broker listen.
 *
 * @param own addresses of this machine
 * @throws TrainingError CONFIG_INVALID when hosts see different addresses, or one that this machine does not have.
 */
export function addressForHosts(connections: readonly HostConnection[], own: readonly string[]): string {
  const advice = 'say at which address of this machine all hosts reach it, with --set coordinator.host=ADDRESS';
  const outer = connections.filter(({ client }) => !isLoopback(client));
  const [first, ...others] = outer;
  if (first === undefined) return '127.0.0.1';
  const other = others.find(({ client }) => client !== first.client);
  if (other !== undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `${first.host} sees this machine at ${first.client}, ${other.host} at ${other.client}; ${advice}`,
    );
  }
  if (own.includes(first.client)) return first.client;
  throw new TrainingError(
    'CONFIG_INVALID',
    `${first.host} sees this machine at ${first.client}, which is no address of this machine (${own.join(', ')}); ${advice}`,
  );
}

/** Where the workers of a host listen: at the address that ssh reached, on this machine at that of the coordinator. */
export function listenAddress({ server }: HostConnection, coordinatorHost: string): string {
  return isLoopback(server) ? coordinatorHost : server;
}

/** sshd writes an IPv4 address that came over an IPv6 socket in the long form. */
function bare(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
