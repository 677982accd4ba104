/** The list of runs, with a link to the page of each. */
import type { PageHandler } from '@facet/telemetry';
import { PAGE_HEADERS } from './page-files.js';

/** A run, and what the list says of it. */
export interface ListedRun {
  readonly name: string;
  /** By the title of the column. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Answers with the list. */
export function listPage(list: () => Promise<readonly ListedRun[]>): PageHandler {
  return async (_request, response) => {
    const body = text(await list());
    const headers = { ...PAGE_HEADERS, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  };
}

function text(runs: readonly ListedRun[]): string {
  const titles = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  const head = ['run', ...titles].map((title) => `<th scope="col">${escaped(title)}</th>`).join('');
  const rows = runs.map(({ name, facts }) => {
    const cells = titles.map((title) => `<td>${escaped(facts[title] ?? '')}</td>`).join('');
    return `<tr><th scope="row"><a href="runs/${encodeURIComponent(name)}/">${escaped(name)}</a></th>${cells}</tr>`;
  });
  const table = `<div class="scroll" tabindex="0" role="region" aria-label="Runs"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runs – Facet</title><link rel="icon" href="data:,"><link rel="stylesheet" href="page.css">
</head>
<body><header><h1>Runs</h1></header><main><section>${runs.length === 0 ? '<p>There are no runs yet.</p>' : table}</section></main></body>
</html>
`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(value: string): string {
  return value.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
}
