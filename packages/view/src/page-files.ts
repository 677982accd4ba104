/** The files of the page, which the build has written; read once and kept. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PageHandler } from '@facet/telemetry';

/** Beside the compiled files, from there and from the sources. */
const FOLDER = fileURLToPath(new URL('../dist/page/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The page loads nothing from elsewhere, sends nothing anywhere, and stands in no frame. */
export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

let files: ReadonlyMap<string, PageFile> | undefined;

/** What answers with a file of the page; undefined for a name that none has. */
export function pageFile(name: string): PageHandler | undefined {
  files ??= readFiles();
  const file = files.get(name);
  if (file === undefined) return undefined;
  const { type, body, etag } = file;
  return (request, response) => {
    const headers = { ...PAGE_HEADERS, 'content-type': type, 'cache-control': 'no-cache', etag };
    if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
    else response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
  };
}

function readFiles(): ReadonlyMap<string, PageFile> {
  const found = new Map<string, PageFile>();
  for (const name of listFiles()) {
    const type = TYPES[name.split('.').at(-1) ?? ''];
    if (type === undefined) continue;
    const body = readFileSync(FOLDER + name);
    found.set(name, { type, body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"` });
  }
  return found;
}

/** Nothing before the page is built. */
function listFiles(): readonly string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return [];
  }
}
