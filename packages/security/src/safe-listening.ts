/** Nothing listens beyond its own machine in the open by accident: somebody has to say so, and is told which addresses that are. */
import { isLoopback, TrainingError } from '@facet/shared';

export interface Listening {
  /** Who listens, for messages: `the coordinator`. */
  readonly what: string;
  readonly hosts: readonly string[];
  readonly hasTls: boolean;
  /** Somebody said `--insecure`. */
  readonly isInsecure: boolean;
}

/**
 * Checks where a process is about to listen.
 *
 * @returns one warning that names the addresses that are open; undefined when none is
 * @throws TrainingError CONFIG_INVALID when it would listen beyond loopback without TLS, and nobody said that it may.
 */
export function requireSafeListening({ what, hosts, hasTls, isInsecure }: Listening): string | undefined {
  const open = hosts.filter((host) => !isLoopback(host.replace(/^\[|\]$/g, '').toLowerCase()));
  if (hasTls || open.length === 0) return undefined;
  const addresses = [...new Set(open)].join(', ');
  if (isInsecure) {
    return `${what} listens on ${addresses} without TLS: whoever is on the path can read and change what is sent`;
  }
  throw new TrainingError(
    'CONFIG_INVALID',
    `${what} would listen on ${addresses} without TLS; name certificates with --tls FOLDER (\`facet certs\` makes them), listen on 127.0.0.1, or say --insecure if the network is trusted`,
  );
}
