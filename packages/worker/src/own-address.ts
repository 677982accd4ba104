/**
 * The address at which others reach this worker: what it was told, else the address of this machine from which it reaches
 * its coordinator.
 */
import { networkInterfaces } from 'node:os';
import {
  AUTO_HOST,
  isEveryAddress,
  isLoopback,
  listeningHost,
  OPERATION_DEFAULTS,
  parseAddress,
  parseHost,
  pause,
  reachableHost,
  systemRoute,
  TrainingError,
  type Clock,
  type Route,
  type RouteTo,
} from '@facet/shared';

/** How long names of coordinators may be unknown: they start together with the workers, and DNS knows them later. */
const PATIENCE_MS = OPERATION_DEFAULTS.timeouts.gatherMs;
const RETRY_MS = 500;

export interface OwnAddressOptions {
  /** host:port of every coordinator that may lead the run; at least one. */
  readonly coordinatorAddresses: readonly string[];
  /** Where to listen, if somebody said so; `auto` is every address. */
  readonly listenHost: string | undefined;
  /** host or host:port that others are told instead, if somebody said so. */
  readonly advertisedAddress: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once if no name is known yet. */
  readonly onWait?: (reason: string) => void;
  /** Default: asks this machine. */
  readonly routeTo?: RouteTo;
}

export interface OwnAddress {
  /** Without brackets. */
  readonly listenHost: string;
  /** The host that others are told. */
  readonly advertisedHost: string;
}

/**
 * Where a worker listens and what it tells others.
 *
 * @throws TrainingError CONFIG_INVALID when it would tell others an address that only this machine reaches;
 *   COORDINATOR_UNREACHABLE when no coordinator's address is known; CANCELLED.
 */
export async function findOwnAddress(options: OwnAddressOptions): Promise<OwnAddress> {
  const { coordinatorAddresses, advertisedAddress, routeTo = systemRoute } = options;
  const listenHost = options.listenHost === undefined ? undefined : listeningHost(options.listenHost);
  const told = advertisedAddress === undefined ? listenHost : parseHost(advertisedAddress)?.host;
  if (listenHost !== undefined && told !== undefined && !isEveryAddress(told)) {
    if (isLoopback(told)) await requireLocalCoordinator(told, coordinatorAddresses, routeTo);
    return { listenHost, advertisedHost: told };
  }
  const own = ownEnd(await findRoutes(options, routeTo), options.listenHost === AUTO_HOST);
  return { listenHost: listenHost ?? own, advertisedHost: told === undefined || isEveryAddress(told) ? own : told };
}

/**
 * This machine's end of the ways to its coordinators, one that others reach as well if there is one. With `auto` that is so even
 * if the coordinator is on this machine and was named by its loopback: others come from elsewhere.
 */
function ownEnd(routes: readonly Route[], isAuto: boolean): string {
  const outer = routes.find((route) => !isLoopback(route.own));
  return outer?.own ?? (isAuto ? reachableHost(AUTO_HOST) : routes[0]!.own);
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
  { coordinatorAddresses, clock, signal, onWait }: OwnAddressOptions,
  routeTo: RouteTo,
): Promise<readonly Route[]> {
  const startedMs = clock.now();
  const reason = `nothing leads from this machine to ${coordinatorAddresses.join(', ')}: the name is unknown, or there is no route`;
  for (let attempts = 1; ; attempts += 1) {
    const ends = coordinatorAddresses.map(parseAddress).map(({ host, port }) => routeTo(host, port));
    const routes = (await Promise.all(ends)).filter((route) => route !== undefined);
    if (routes.length > 0) return routes;
    if (signal.aborted) throw new TrainingError('CANCELLED', 'told to stop before a coordinator was found');
    if (clock.now() - startedMs > PATIENCE_MS) {
      throw new TrainingError(
        'COORDINATOR_UNREACHABLE',
        `${reason}; check the address, or name this machine's with --listen`,
      );
    }
    if (attempts === 1) onWait?.(reason);
    await pause(clock, RETRY_MS);
  }
}
