/** What others are told where a coordinator listens on every address of its machine, which is no address to connect to. */
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** The host that is told: itself, or for `0.0.0.0` and `::` the first address at which others reach this machine. */
export function reachableHost(
  host: string,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>> = networkInterfaces(),
): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const outer = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  const ofIpv4 = outer.find(({ family }) => family === 'IPv4');
  const found = ofIpv4 ?? (host === '::' ? outer[0] : undefined);
  return found?.address ?? (host === '::' ? '::1' : '127.0.0.1');
}
