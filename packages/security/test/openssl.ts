/** The OpenSSL program: certificates that we did not make, and its judgement of ours. */
import { execFileSync, spawnSync } from 'node:child_process';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Runs it in a folder; returns what it prints, also where it fails. */
export function openssl(folder: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}

/** Runs a line of shell, for its redirections. */
export function shell(folder: string, line: string): void {
  execFileSync('bash', ['-c', `set -euo pipefail; ${line}`], { cwd: folder, stdio: 'pipe' });
}
