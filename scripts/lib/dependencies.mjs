// Installs the npm dependencies when they are missing or differ from package-lock.json. npm leaves a record of what it
// installed in node_modules/.package-lock.json; comparing the two by content, not by time, makes a fresh checkout of the
// same lock file free and notices an interrupted installation (npm writes the record last).

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isInRange } from './node-version.mjs';
import { ROOT } from './repository.mjs';
import { runQuietly } from './run-command.mjs';

/** Runs `npm ci` if it is needed. */
export async function ensureDependencies() {
  if (findStaleReason(ROOT) === undefined) return;
  // --include=dev: the compiler is a development dependency, and NODE_ENV=production would leave it out.
  // --loglevel: below `npm run --silent` npm would fail without a word.
  const args = ['ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error'];
  const [command, ...prefix] = npmCommand();
  await runQuietly('installing dependencies (npm ci)', command, [...prefix, ...args], {
    advice: 'npm says why above; most often its registry cannot be reached. Then run the command again.',
  });
}

/** The npm that started this script, else the one on PATH. */
export function npmCommand(env = process.env) {
  const cli = env.npm_execpath;
  if (cli !== undefined && path.basename(cli) === 'npm-cli.js' && existsSync(cli)) return [process.execPath, cli];
  return ['npm'];
}

/**
 * True for a binary that npm would install here and now. npm leaves out binaries made for another Node.js without a word,
 * so one is missing after an update of Node.js. A package without an operating system is no binary: unknown, so false.
 */
function fitsMachine({ os, cpu, libc, engines }) {
  if (!os?.includes(process.platform) || !cpu?.includes(process.arch)) return false;
  return isInRange(process.versions.node, engines?.node) && (libc === undefined || libc.includes(machineLibc()));
}

let knownLibc;

/** `glibc` or `musl`, found out the way npm does. */
function machineLibc() {
  if (knownLibc === undefined) {
    process.report.excludeNetwork = true;
    knownLibc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  }
  return knownLibc;
}

/** Why node_modules in a folder does not fit its lock file, or undefined when it does. */
export function findStaleReason(folder) {
  const wanted = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
  const record = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'node_modules is missing or incomplete';
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  for (const [place, entry] of Object.entries(wanted)) {
    // The workspaces' own entries are plain folders; only what is under node_modules is installed.
    if (!place.startsWith('node_modules/')) continue;
    const actual = installed[place];
    // Other platforms' binaries are in the lock file but not installed.
    if (actual === undefined && entry.optional && !fitsMachine(entry)) continue;
    if (actual === undefined) return `${place} is not installed`;
    if (actual.version !== entry.version || actual.integrity !== entry.integrity || actual.link !== entry.link) {
      return `${place} is ${actual.version}, expected ${entry.version}`;
    }
  }
  return undefined;
}
