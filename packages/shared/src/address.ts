/** Addresses as they stand in messages: host:port, an IPv6 host in brackets. */

export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Takes an address apart; `[::1]:80` is port 80 of `::1`. */
export function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}

/** A host, and the port if there is one. */
export interface HostWithPort {
  /** Without brackets. */
  readonly host: string;
  readonly port?: number;
}

const MOST_PORT = 65_535;
/** In brackets, or bare if nothing follows it: then it has `::` or all of its eight parts. */
const IPV6 = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\](?::(\d{1,5}))?|((?=.*::|(?:[^:]*:){7}[^:]*$)[0-9a-f:.]+))$/i;
const NAME_OR_IPV4 = /^([^\s:/@[\]]+)(?::(\d{1,5}))?$/;

/** Takes HOST or HOST:PORT apart, with an IPv6 host in brackets or, without a port, bare; undefined for any other text. */
export function parseHost(text: string): HostWithPort | undefined {
  const [, bracketed, portOfIpv6, bare] = IPV6.exec(text) ?? [];
  const [, name, portOfName] = NAME_OR_IPV4.exec(text) ?? [];
  const host = bracketed ?? bare ?? name;
  if (host === undefined) return undefined;
  const given = portOfIpv6 ?? portOfName;
  if (given === undefined) return { host };
  const port = Number(given);
  return port >= 1 && port <= MOST_PORT ? { host, port } : undefined;
}

/** The address of a port of a host, as `parseAddress` takes it apart. */
export function formatAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
