/**
 * The address at which others reach this worker: what it was told, else the address of this machine from which it reaches
 * its coordinator. Nothing is sent to find it out: a datagram socket that is connected has its own address.
 */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { parseAddress, pause, TrainingError, type Clock } from '@facet/shared';

/** How long names of coordinators may be unknown: they start together with the workers. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;

export interface OwnAddressOptions {
  /** host:port of every coordinator that may lead the run; at least one. */
  readonly coordinatorAddresses: readonly string[];
  /** Where to listen, if somebody said so. */
  readonly listenHost: string | undefined;
  /** host:port that others are told instead, if somebody said so. */
  readonly advertisedAddress: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Default: asks this machine. */
  readonly routeTo?: RouteTo;
}

export interface OwnAddress {
  /** Without brackets. */
  readonly listenHost: string;
  /** The host that others are told. */
  readonly advertisedHost: string;
}

/** The two ends of a way between this machine and another one, or itself: IP addresses. */
export interface Route {
  readonly own: string;
  readonly other: string;
}

/** The way to a host; undefined when its name is not known or nothing leads there. */
export type RouteTo = (host: string, port: number) => Promise<Route | undefined>;

/**
 * Where a worker listens and what it tells others.
 *
 * @throws TrainingError CONFIG_INVALID when it would tell others an address that only this machine reaches;
 *   COORDINATOR_UNREACHABLE when no coordinator's address is known; CANCELLED.
 */
export async function findOwnAddress(options: OwnAddressOptions): Promise<OwnAddress> {
  const { coordinatorAddresses, advertisedAddress, routeTo = systemRoute } = options;
  const listenHost = options.listenHost?.replace(/^\[(.*)\]$/, '$1');
  const told = advertisedAddress === undefined ? listenHost : parseAddress(advertisedAddress).host;
  if (listenHost !== undefined && told !== undefined && !isWildcard(told)) {
    if (isLoopback(told)) await requireLocalCoordinator(told, coordinatorAddresses, routeTo);
    return { listenHost, advertisedHost: told };
  }
  const routes = await findRoutes(options, routeTo);
  const { own } = routes.find((route) => !isLoopback(route.own)) ?? routes[0]!;
  return { listenHost: listenHost ?? own, advertisedHost: told === undefined || isWildcard(told) ? own : told };
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

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

async function requireLocalCoordinator(told: string, coordinators: readonly string[], routeTo: RouteTo): Promise<void> {
  for (const coordinator of coordinators) {
    const { host, port } = parseAddress(coordinator);
    const route = await routeTo(host, port);
    if (route === undefined || isOwn(route)) continue;
    throw new TrainingError(
      'CONFIG_INVALID',
      `--listen: '${told}' is reached from this machine alone, and the coordinator at ${coordinator} is another one; expected an address such as ${route.own}, or leave --listen out`,
    );
  }
}

/** Whether the other end is this machine as well. */
function isOwn({ own, other }: Route): boolean {
  if (isLoopback(other) || own === other) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === other));
}

/** The ways to all coordinators that have one; waits for the first. */
async function findRoutes(
  { coordinatorAddresses, clock, signal }: OwnAddressOptions,
  routeTo: RouteTo,
): Promise<readonly Route[]> {
  const startedMs = clock.now();
  for (;;) {
    const ends = coordinatorAddresses.map(parseAddress).map(({ host, port }) => routeTo(host, port));
    const routes = (await Promise.all(ends)).filter((route) => route !== undefined);
    if (routes.length > 0) return routes;
    if (signal.aborted) throw new TrainingError('CANCELLED', 'told to stop before a coordinator was found');
    if (clock.now() - startedMs > PATIENCE_MS) {
      throw new TrainingError(
        'COORDINATOR_UNREACHABLE',
        `nothing leads from this machine to ${coordinatorAddresses.join(', ')}: the name is unknown, or there is no route; check the address, or name this machine's with --listen`,
      );
    }
    await pause(clock, RETRY_MS);
  }
}

async function systemRoute(host: string, port: number): Promise<Route | undefined> {
  const addresses = await lookup(host, { all: true, verbatim: false }).catch(() => []);
  for (const { address, family } of addresses) {
    const route = await connectDatagrams(address, port, family);
    if (route !== undefined) return route;
  }
  return undefined;
}

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
