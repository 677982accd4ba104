/**
 * Reads the metrics of a running run from outside, the way Prometheus does: the coordinator says where everybody is.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Scrapes coordinator and workers once: [{role, target, text}]. */
export async function scrapeRun(runFolder) {
  const { httpUrl } = JSON.parse(await readFile(path.join(runFolder, 'coordinator.json'), 'utf8'));
  const groups = await (await fetch(new URL('/sd', httpUrl))).json();
  return Promise.all(
    groups.map(async ({ targets: [target], labels }) => ({
      role: labels.role,
      target,
      text: await (await fetch(`http://${target}/metrics`)).text(),
    })),
  );
}

/** Sample lines of the Prometheus text format as name{labels} -> value. */
export function parseMetrics(text) {
  const values = {};
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    values[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return values;
}
