/**
 * Targets for Prometheus' HTTP service discovery. Prometheus fetches what stands here, from inside of a network. So a worker says no more
 * than a port and whether it speaks TLS: the host is the one at which its peers reach it, the path is ours, and it is listed once
 * it is ready. Addresses of one link, such as a cloud's metadata service, are never listed.
 */
import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '@facet/shared';
import type { WorkerDirectory } from './worker-directory.js';

const METRICS_PATH = '/metrics';

export interface Target {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** @param httpUrl where the coordinator's own metrics are */
export function serviceDiscovery(httpUrl: string, directory: Pick<WorkerDirectory, 'all'>): readonly Target[] {
  const { host: own, protocol: scheme } = new URL(httpUrl);
  const coordinator = { targets: [own], labels: { role: 'coordinator', __scheme__: scheme.slice(0, -1) } };
  const workers = [...directory.all.values()].flatMap(({ hello, program }) => {
    if (program === undefined || metricsFault(hello) !== undefined || hello.metricsUrl === '') return [];
    const { host, protocol } = new URL(hello.metricsUrl);
    const labels = {
      role: 'worker',
      worker: hello.workerId,
      __metrics_path__: METRICS_PATH,
      __scheme__: protocol.slice(0, -1),
    };
    return [{ targets: [host], labels }];
  });
  return [coordinator, ...workers];
}

/** Why the place that a worker names for its metrics is not one of its own; undefined when it is, or it names none. */
export function metricsFault({
  metricsUrl,
  exchangeAddress,
}: {
  readonly metricsUrl: string;
  readonly exchangeAddress: string;
}): string | undefined {
  if (metricsUrl === '') return undefined;
  if (!URL.canParse(metricsUrl)) return 'it is no URL';
  const { protocol, hostname, pathname, username, search, hash } = new URL(metricsUrl);
  if (protocol !== 'http:' && protocol !== 'https:')
    return `its scheme is ${protocol.slice(0, -1)}, expected http or https`;
  if (pathname !== METRICS_PATH || username !== '' || search !== '' || hash !== '') {
    return `it is more than an address, a port and ${METRICS_PATH}`;
  }
  const host = bare(hostname);
  if (isLinkLocal(host)) return `${host} is an address of one link only`;
  const own = parseAddress(exchangeAddress).host;
  return host === asInUrl(own) ? undefined : `its host is ${host}, expected ${own}, at which its peers reach it`;
}

/** The one form of a host that URLs have; an address of IPv6 has several others. */
function asInUrl(host: string): string {
  const url = `http://${formatAddress(host, 80)}`;
  return URL.canParse(url) ? bare(new URL(url).hostname) : host.toLowerCase();
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function isLinkLocal(host: string): boolean {
  if (isIP(host) === 6) return /^fe[89ab]|^::ffff:(169\.254\.|a9fe:)/i.test(host);
  return isIP(host) === 4 && host.startsWith('169.254.');
}
