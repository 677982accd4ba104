// Finds s3rver, a server of S3 that others wrote, or installs it into the cache, for the tests of S3. It is no dependency: nobody
// maintains it any more, and only tests speak to it, on this machine. Never fatal: without it those tests are skipped and say so.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { importBuilt } from './bootstrap.mjs';
import { runQuietly } from './run-command.mjs';
import { say } from './say.mjs';

const VERSION = '3.7.1';

/** Returns the folder of the package, or undefined. */
export async function ensureS3rver(env = process.env) {
  const named = env.FACET_S3RVER;
  if (named) return path.resolve(named);
  const { defaultCacheFolder } = await importBuilt('packages/datasets/dist/cache-folder.js');
  const cache = defaultCacheFolder({ env, platform: process.platform, home: homedir() });
  const home = path.join(cache, `s3rver-${VERSION}`);
  const folder = path.join(home, 'node_modules', 's3rver');
  // npm writes it last.
  if (existsSync(path.join(home, 'node_modules', '.package-lock.json'))) return folder;
  try {
    await mkdir(home, { recursive: true });
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await runQuietly(`installing s3rver ${VERSION} into the cache`, 'npm', [
      ...['install', '--prefix', home, ...flags],
      `s3rver@${VERSION}`,
    ]);
    return folder;
  } catch (caught) {
    say(`no s3rver (${caught.message.split('\n')[0]}): S3 is tested against other servers, or not at all`);
    return undefined;
  }
}
