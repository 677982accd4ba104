/** What a run's page consists of, by path: the files, its history, its events. */
import type { PageHandler } from '@facet/telemetry';
import { pageFile, PAGE_HEADERS } from './page-files.js';
import type { RunFeed } from './run-feed.js';

/** What answers for a path of a run's page; undefined for one that is not there. */
export function runPage(feed: RunFeed, path: string): PageHandler | undefined {
  switch (path) {
    case '/':
      return pageFile('index.html');
    case '/history':
      return json(() => feed.view());
    case '/events':
      return (request, response) => {
        feed.stream(request, response);
      };
    default:
      return pageFile(path.slice(1));
  }
}

/** Answers with a value as JSON. */
export function json(read: () => unknown): PageHandler {
  return async (_request, response) => {
    const body = `${JSON.stringify(await read())}\n`;
    const headers = { ...PAGE_HEADERS, 'content-type': 'application/json', 'cache-control': 'no-store' };
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  };
}
