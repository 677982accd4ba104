/**
 * The way from this machine to another one. Nothing is sent to find it: a datagram socket that is connected has an address of
 * its own.
 */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** The two ends of a way between this machine and another one, or itself: IP addresses. */
export interface Route {
  readonly own: string;
  readonly other: string;
}

/** The way to a host; undefined when its name is not known or nothing leads there. */
export type RouteTo = (host: string, port: number) => Promise<Route | undefined>;

/** The way to the first address of a host that something leads to, as this machine knows it. */
export async function systemRoute(host: string, port: number): Promise<Route | undefined> {
  const addresses = await lookup(host, { all: true, verbatim: false }).catch(() => []);
  for (const { address, family } of addresses) {
    const route = await connectDatagrams(address, port, family);
    if (route !== undefined) return route;
  }
  return undefined;
}

/** Whether an address reaches nothing but this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function connectDatagrams(address: string, port: number, family: number): Promise<Route | undefined> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    const finish = (route: Route | undefined): void => {
      socket.close();
      resolve(route);
    };
    socket.once('error', () => {
      finish(undefined);
    });
    socket.connect(port, address, () => {
      finish({ own: socket.address().address, other: address });
    });
  });
}
