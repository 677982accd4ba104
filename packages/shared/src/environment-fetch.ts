/**
 * `fetch` through the proxy that the environment names, as curl, npm and pip do it: `http_proxy`, `https_proxy` and
 * `no_proxy`, in small or capital letters. Only downloads go this way; workers and coordinator never use a proxy.
 */
import type { EnvHttpProxyAgent } from 'undici';
import type { Environment } from './config/environment.js';
import { TrainingError } from './errors.js';
import { maskUrl } from './wire/masked-url.js';

interface Proxy {
  /** The variable that names it, as it is spelled in the environment. */
  readonly variable: string;
  readonly url: string;
}

/**
 * The response to a request, through the proxy that `env` names for its address. Small letters win over capital ones; without
 * `https_proxy`, `http_proxy` is used for https too, as npm does.
 *
 * @throws TrainingError CONFIG_INVALID when a variable does not hold the address of a proxy.
 * @throws Error that names the proxy when no response came through it.
 * @throws what `fetch` throws where no proxy is used.
 */
export async function environmentFetch(url: string, init: RequestInit, env: Environment): Promise<Response> {
  const http = proxyOf(env, 'http_proxy');
  const https = proxyOf(env, 'https_proxy') ?? http;
  if (https === undefined) return fetch(url, init);

  const undici = await import('undici');
  let wentDirectly = false;
  const connect = undici.buildConnector({});
  const agent = new undici.EnvHttpProxyAgent({
    httpProxy: http?.url ?? '',
    httpsProxy: https.url,
    noProxy: valueOf(env, 'no_proxy')?.value ?? '',
    // Only connections to hosts of `no_proxy` are made with this.
    connect: (options, callback) => {
      wentDirectly = true;
      connect(options, callback);
    },
  });
  try {
    const response = await undici.fetch(url, { ...init, dispatcher: agent } as Parameters<typeof undici.fetch>[1]);
    closeAfterBody(agent);
    return response;
  } catch (cause) {
    await agent.destroy();
    const proxy = new URL(url).protocol === 'https:' ? https : http;
    if (wentDirectly || proxy === undefined) throw cause;
    const shown = `${maskUrl(proxy.url)} (${proxy.variable})`;
    const advice = `correct or unset ${proxy.variable}, or name the host in no_proxy`;
    throw new Error(`${url} could not be fetched through the proxy ${shown}: ${reasonOf(cause)}; ${advice}`, { cause });
  }
}

/** Its connections end when the running response has been read or cancelled; a failure is told by whoever reads that. */
function closeAfterBody(agent: EnvHttpProxyAgent): void {
  agent.close().catch(() => undefined);
}

function proxyOf(env: Environment, name: string): Proxy | undefined {
  const found = valueOf(env, name);
  if (found === undefined || found.value === '') return undefined;
  const { variable, value } = found;
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(url) && /^https?:\/\//i.test(url)) return { variable, url };
  const problem = `${variable}: '${maskUrl(value)}' is not the address of a proxy that can be used`;
  throw new TrainingError('CONFIG_INVALID', `${problem}, expected http://HOST:PORT or https://HOST:PORT`);
}

function valueOf(env: Environment, name: string): { readonly variable: string; readonly value: string } | undefined {
  for (const variable of [name, name.toUpperCase()]) {
    const value = env[variable];
    if (value !== undefined) return { variable, value: value.trim() };
  }
  return undefined;
}

/** `fetch failed` alone does not say why; its causes do. */
function reasonOf(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  if (caught instanceof AggregateError) return caught.errors.map(reasonOf).join(', ');
  return caught.cause === undefined ? caught.message || caught.name : reasonOf(caught.cause);
}
