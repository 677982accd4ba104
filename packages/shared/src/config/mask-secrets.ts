/**
 * The configuration as it may be shown: in logs, in status pages, on a terminal. Credentials are masked. Everything else
 * stays, because a log that hides too much explains nothing.
 */
import { maskUrl } from '../wire/masked-url.js';
import type { RunConfig } from './schema.js';

/** A copy of the configuration without the user, password or token in the broker's URL. */
export function maskSecrets(config: RunConfig): RunConfig {
  return { ...config, nats: { ...config.nats, url: maskUrl(config.nats.url) } };
}
