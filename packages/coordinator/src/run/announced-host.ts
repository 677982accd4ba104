/**
 * What others are told of a coordinator's place: what somebody said, else where it listens. One that listens on every address
 * tells the one from which it reaches its broker, because its workers reach that broker as well.
 */
import {
  brokerServers,
  isEveryAddress,
  isLoopback,
  listeningHost,
  parseHost,
  reachableHost,
  systemRoute,
  TrainingError,
  type HostWithPort,
  type RouteTo,
  type RunConfig,
} from '@facet/shared';

export interface AnnouncementOptions {
  readonly place: Pick<RunConfig['coordinator'], 'host' | 'advertise'>;
  readonly brokerUrl: string;
  /** Default: asks this machine. */
  readonly routeTo?: RouteTo;
}

/**
 * The host that workers, displays and Prometheus are told, and the port where somebody said one.
 *
 * @throws TrainingError CONFIG_INVALID when `coordinator.advertise` is no host.
 */
export async function announcedHost({
  place: { host, advertise },
  brokerUrl,
  routeTo = systemRoute,
}: AnnouncementOptions): Promise<HostWithPort> {
  if (advertise !== undefined) {
    const said = parseHost(advertise);
    if (said !== undefined) return said;
    throw new TrainingError('CONFIG_INVALID', `coordinator.advertise: '${advertise}', expected HOST or HOST:PORT`);
  }
  if (!isEveryAddress(listeningHost(host))) return { host: listeningHost(host) };
  for (const broker of brokerServers(brokerUrl)) {
    const own = (await routeTo(broker.host, broker.port))?.own;
    // A machine that listens on IPv4 alone is not reached at an address of IPv6.
    const isServed = own !== undefined && (host !== '0.0.0.0' || !own.includes(':'));
    if (isServed && !isLoopback(own)) return { host: own };
  }
  return { host: reachableHost(host) };
}
