/**
 * What a broker's URL means to the NATS client, which takes credentials beside the addresses and ignores those in them.
 * Several URLs, separated by commas, name the servers of one cluster.
 */
import { formatAddress } from '../address.js';

/** Scheme, credentials, host (an IPv6 address in brackets) and port; all but the host may be left out. */
const BROKER_URL =
  /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:(?<login>[^@/]*)@)?(?<host>\[[0-9a-f:.%]+\]|[^\s:/@[\]]+)(?::(?<port>\d{1,5}))?\/?$/i;
const DEFAULT_PORT = 4222;
const MOST_PORT = 65_535;

export interface BrokerServer {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

interface Credentials {
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** Options of the client's `connect`. */
export interface BrokerLogin extends Credentials {
  /** host:port, at least one. */
  readonly servers: string[];
}

/** If a text does not name one or more brokers: what was expected instead. */
export function brokerUrlProblem(urls: string): string | undefined {
  const parsed = partsOf(urls).map(parse);
  if (parsed.some((broker) => broker === undefined)) {
    return 'expected an address such as nats://HOST:4222, or several with a comma between two';
  }
  const logins = new Set(parsed.map((broker) => broker?.login).filter((login) => login !== undefined));
  return logins.size > 1 ? 'expected the same user and password in all of its addresses' : undefined;
}

/** The servers that a broker's URL names, in its order; parts that name none are left out. */
export function brokerServers(urls: string): BrokerServer[] {
  return partsOf(urls).flatMap((url) => parse(url)?.server ?? []);
}

/** Parts the URL of a broker; a user without a password is a token. One login is for all servers. */
export function brokerLogin(urls: string): BrokerLogin {
  const servers = brokerServers(urls).map(({ host, port }) => formatAddress(host, port));
  const login = partsOf(urls)
    .map((url) => parse(url)?.login)
    .find((found) => found !== undefined);
  return { servers, ...credentialsIn(login ?? '') };
}

function partsOf(urls: string): string[] {
  return urls.split(',').map((url) => url.trim());
}

function parse(url: string): { readonly server: BrokerServer; readonly login: string | undefined } | undefined {
  const { login, host, port = String(DEFAULT_PORT) } = BROKER_URL.exec(url)?.groups ?? {};
  if (host === undefined || Number(port) < 1 || Number(port) > MOST_PORT) return undefined;
  return { server: { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, login };
}

function credentialsIn(login: string): Credentials {
  const [, user = '', pass = ''] = /^([^:]*):?(.*)$/s.exec(login) ?? [];
  if (user === '') return {};
  return pass === '' ? { token: decoded(user) } : { user: decoded(user), pass: decoded(pass) };
}

/** A "%" that begins no escape stands for itself: people write passwords as they are. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}
