// From a clean clone to something that runs: Node version, dependencies, build, broker, each only if it is needed. Safe to
// repeat and to interrupt. Nothing is printed on stdout.

import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildPage } from './build-page.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { requireNode } from './node-version.mjs';
import { CLI_MAIN, ROOT } from './repository.mjs';
import { runQuietly } from './run-command.mjs';
import { say } from './say.mjs';

/** Checks Node, installs the dependencies and builds. */
export async function prepareBuild({ forTools = false } = {}) {
  requireNode({ forTools });
  await ensureDependencies();
  await build();
}

/** Compiles all packages; incremental. */
async function build() {
  await runQuietly('building (tsc -b)', process.execPath, ['node_modules/typescript/bin/tsc', '-b'], {
    advice: 'The build failed. Correct the errors above; after a pull, `npm ci` may help.',
  });
  await buildPage();
  const main = path.join(ROOT, CLI_MAIN);
  if (existsSync(main)) chmodSync(main, 0o755);
}

/** Finds or installs a broker and returns its file name. Needs the build: `facet up` uses the same code. */
export async function ensureBroker() {
  const { ensureBroker: ensure } = await importBuilt('packages/cli/dist/broker/install-broker.js');
  const broker = await ensure({ log: say });
  say(`broker: nats-server ${broker.version} (${broker.path})`);
  return broker.path;
}

/** Imports a file that the build has written. */
export function importBuilt(file) {
  return import(pathToFileURL(path.join(ROOT, file)).href);
}
