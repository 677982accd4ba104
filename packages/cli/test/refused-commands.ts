/** For tests of commands that are refused: each must end with exit code 2 (75 if it may work later), start nothing and leave nothing behind. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { runInProcess, type CliEnd } from './run-cli.js';

/** What is wrong, the arguments, and how the message begins. */
export type Refusal = [what: string, args: readonly string[], message: string];

/** A command that would start a run. */
export const up = ['up', '--dataset', 'mnist', '--workers', '1'];

export interface Refusals {
  /** A folder for the files of the tests; commands are not told of it. */
  readonly folder: () => string;
  /** Runs a command that must not get anywhere. */
  readonly refused: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CliEnd>;
  /** Runs a command that must only say a message that begins like this, on stderr. */
  readonly expectRefused: (args: readonly string[], message: string) => Promise<void>;
}

/** Gives the tests of a file folders of their own, which are removed after them. */
export function useRefusals(): Refusals {
  let folder = '';
  let runs = '';
  let tmp = '';

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'facet-cli-'));
    runs = path.join(folder, 'runs');
    tmp = path.join(folder, 'tmp');
    await mkdir(tmp);
    vi.stubEnv('TMPDIR', tmp);
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    return rm(folder, { recursive: true, force: true });
  });

  const refused: Refusals['refused'] = async (args, env = {}) => {
    const end = await runInProcess(args, { FACET_RUNS: runs, FACET_CODE_VERSION: 'test', ...env });
    expect(end.code, end.stderr).toBe(/^error \[(BROKER|COORDINATOR)_UNREACHABLE\]/.test(end.stderr) ? 75 : 2);
    expect(existsSync(runs)).toBe(false);
    expect(await readdir(tmp)).toEqual([]);
    return end;
  };
  return {
    folder: () => folder,
    refused,
    async expectRefused(args, message) {
      const { stdout, stderr } = await refused(args);
      expect(stderr.startsWith(message), stderr).toBe(true);
      expect(stdout).toBe('');
    },
  };
}
