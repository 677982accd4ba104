/**
 * Where a process listens and what it tells others of that. Who listens on every address of a machine cannot tell others
 * that: it is no address to connect to.
 */
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** Stands for every address of this machine, where an option says where to listen. */
export const AUTO_HOST = 'auto';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Whether a host means every address of a machine. */
export function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The host to listen on, without brackets. `auto`: IPv6 and IPv4 at once, or IPv4 alone where the machine has no IPv6. */
export function listeningHost(host: string, interfaces: Interfaces = networkInterfaces()): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare !== AUTO_HOST) return bare;
  return allOf(interfaces).some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

/** The host that is told: itself, or for `auto`, `0.0.0.0` and `::` the first address at which others reach this machine. */
export function reachableHost(host: string, interfaces: Interfaces = networkInterfaces()): string {
  const listening = listeningHost(host, interfaces);
  if (!isEveryAddress(listening)) return listening;
  const outer = allOf(interfaces).filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  const ofIpv4 = outer.find(({ family }) => family === 'IPv4');
  const found = ofIpv4 ?? (listening === '::' ? outer[0] : undefined);
  return found?.address ?? (listening === '::' && host !== AUTO_HOST ? '::1' : '127.0.0.1');
}

function allOf(interfaces: Interfaces): NetworkInterfaceInfo[] {
  return Object.values(interfaces).flatMap((addresses) => addresses ?? []);
}
