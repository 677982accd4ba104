/** The OpenSSL program: certificates that we did not make, and its judgement of ours. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';

const LONGEST_MS = 30_000;

/** Tests that need the program; one that is skipped with the reason where it is not installed. */
export function describeWithOpenssl(name: string, body: () => void): void {
  if (spawnSync('openssl', ['version'], { timeout: LONGEST_MS }).status === 0) describe(name, body);
  else it(name, ({ skip }) => skip('openssl is not installed'));
}

/** Runs it in a folder; returns what it prints, also where it fails. */
export function openssl(folder: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8', timeout: LONGEST_MS });
  return stdout + stderr;
}

/** Runs a line of shell, for its redirections. */
export function shell(folder: string, line: string): void {
  execFileSync('bash', ['-c', `set -euo pipefail; ${line}`], { cwd: folder, stdio: 'pipe', timeout: LONGEST_MS });
}
