/** The URL of a broker as it may be shown, and as it may be stored. */

const MASK = '***';

/** Masks what stands before the host in a URL, or in each of a comma-separated list of them. */
export function maskUrl(urls: string): string {
  // A password may contain a comma. So only a comma before a scheme separates two URLs; at worst too much is masked.
  return urls
    .split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i)
    .map(maskOne)
    .join(',');
}

/** The same URLs without what stands before the hosts. */
export function withoutLogin(urls: string): string {
  return maskUrl(urls).replaceAll(`${MASK}@`, '');
}

/** A broker's URL, with the login of another one if it has none. */
export function borrowLogin(url: string, from: string): string {
  const login = /:\/\/([^/]*)@/.exec(from)?.[1];
  if (url.includes('@') || login === undefined) return url;
  return url.includes('://') ? url.replaceAll('://', `://${login}@`) : `nats://${login}@${url}`;
}

function maskOne(url: string): string {
  // The last "@", not the first: a password may contain one that is not escaped.
  const end = url.lastIndexOf('@');
  if (end < 0) return url;
  const scheme = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? '';
  return `${scheme}${MASK}${url.slice(end)}`;
}
