// Finds Prometheus for the tests that scrape a real one, or installs Debian's package the same way as the broker. Never
// fatal: without it those tests are skipped and say so.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { importBuilt } from './bootstrap.mjs';
import { say } from './say.mjs';

/** Returns the file name of a `prometheus` with `promtool` beside it, or undefined. */
export async function ensurePrometheus(env = process.env) {
  const named = env.FACET_PROMETHEUS_BIN;
  if (named) return path.resolve(named);
  const found = await findOnPath(env);
  if (found !== undefined) return found;
  const { installWithApt } = await importBuilt('packages/cli/dist/broker/install-broker.js');
  const result = await installWithApt({ packageName: 'prometheus', service: 'prometheus', log: say, env });
  const installed = result.ok ? await findOnPath(env) : undefined;
  if (installed === undefined) {
    const reason = result.ok ? 'not on PATH after its installation' : result.reason;
    say(`no prometheus (${reason}): the tests that need it are skipped`);
  }
  return installed;
}

async function findOnPath(env) {
  for (const folder of (env.PATH ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    try {
      await access(path.join(folder, 'prometheus'), constants.X_OK);
      await access(path.join(folder, 'promtool'), constants.X_OK);
      return path.join(folder, 'prometheus');
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
