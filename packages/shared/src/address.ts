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

/** The address of a port of a host, as `parseAddress` takes it apart. */
export function formatAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
