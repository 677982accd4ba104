/**
 * The configuration as it may be shown: in logs, in status pages, on a terminal. Credentials are masked. Everything else
 * stays, because a log that hides too much explains nothing.
 */
import { maskUrl, withoutLogin } from '../wire/masked-url.js';
import type { RunConfig } from './schema.js';

/** A copy of the configuration without the user, password or token in the broker's URLs. */
export function maskSecrets(config: RunConfig): RunConfig {
  return withUrls(config, maskUrl);
}

/** The configuration as it is stored and sent: without the logins in the broker's URLs. */
export function withoutSecrets<Config extends Pick<RunConfig, 'nats'>>(config: Config): Config {
  return withUrls(config, withoutLogin);
}

function withUrls<Config extends Pick<RunConfig, 'nats'>>(config: Config, change: (url: string) => string): Config {
  const { url, workerUrl } = config.nats;
  const nats = { ...config.nats, url: change(url), ...(workerUrl !== undefined && { workerUrl: change(workerUrl) }) };
  return { ...config, nats };
}
