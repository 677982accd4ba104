/**
 * The completion of real shells: each is told what is typed, and what it offers is read back. A shell that is not installed is
 * skipped, by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { DATASETS } from '@facet/shared';
import { PRESET_NAMES } from '@facet/multiview/config';
import { runInProcess } from '../../test/run-cli.js';
import { SHELLS, type Shell } from './shell-scripts.js';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-completion-'));
  for (const run of ['first run', 'baseline', 'mnist-fast-1']) {
    await mkdir(path.join(folder, 'runs', run), { recursive: true });
    await writeFile(path.join(folder, 'runs', run, 'ledger.jsonl'), '');
  }
  await mkdir(path.join(folder, 'runs', 'no-run'));
  await writeFile(path.join(folder, 'facet.yaml'), '');
  for (const shell of SHELLS) {
    const { stdout, code } = await runInProcess(['completion', shell], {});
    expect(code).toBe(0);
    await writeFile(path.join(folder, `facet.${shell}`), stdout);
  }
});

afterAll(() => rm(folder, { recursive: true }));

const hasShell = (shell: Shell): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** How each shell is asked for what may stand in the place of the last word. */
const ASK: Readonly<Record<Shell, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => [
    '--norc',
    '-c',
    `source ./facet.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; ` +
      `_facet; printf '%s\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: (words) => [
    '-f',
    '-c',
    'autoload -U compinit; compinit -u -D; source ./facet.zsh; compadd() { local a; for a in "$@"; do print -r -- "$a"; done }; ' +
      '_describe() { print -rl -- "${choices[@]%%:*}" }; _files() { print -rl -- * }; ' +
      `words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _facet`,
  ],
  fish: (words) => ['--no-config', '-c', `source ./facet.fish; complete -C '${words.join(' ')}'`],
};

function offered(shell: Shell, typed: string): string[] {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, FACET_RUNS: path.join(folder, 'runs') };
  const out = execFileSync(shell, [...ASK[shell](typed.split(' '))], { cwd: folder, env, encoding: 'utf8' });
  return out
    .split('\n')
    .map((line) => line.split('\t')[0]!)
    .filter((word) => word !== '');
}

describe.each(SHELLS)('%s', (shell) => {
  const inShell = (claim: string, check: () => void): void => {
    test(claim, (context) => {
      if (!hasShell(shell)) context.skip(`there is no ${shell} on this machine`);
      check();
    });
  };

  inShell('offers commands, and those below a command', () => {
    expect(offered(shell, 'facet ')).toEqual(expect.arrayContaining(['up', 'resume', 'runs', 'completion']));
    expect(offered(shell, 'facet runs ')).toEqual(expect.arrayContaining(['show', 'rename', 'rm']));
    expect(offered(shell, 'facet completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  inShell('offers the options of the command that was typed', () => {
    const options = offered(shell, 'facet up --workers 2 --');
    expect(options).toEqual(expect.arrayContaining(['--dataset', '--workers', '--stop-when', '--freeze']));
    expect(options).not.toContain('--schedule');
    expect(offered(shell, 'facet resume baseline --')).toContain('--schedule');
  });

  inShell('offers what may stand in the place of a value', () => {
    expect(offered(shell, 'facet up --preset ')).toEqual(expect.arrayContaining([...PRESET_NAMES]));
    expect(offered(shell, 'facet up --dataset ')).toEqual(expect.arrayContaining([...DATASETS]));
    expect(offered(shell, 'facet resume baseline --schedule ')).toEqual(
      expect.arrayContaining(['hold', 'stretch', 'restart']),
    );
    expect(offered(shell, 'facet up --config ')).toContain('facet.yaml');
    expect(offered(shell, 'facet up --epochs ').filter((word) => word.startsWith('-'))).toEqual([]);
  });

  inShell('offers the runs that there are', () => {
    const runs = offered(shell, 'facet resume ');
    expect(runs).toEqual(expect.arrayContaining(['baseline', 'mnist-fast-1']));
    expect(runs).not.toContain('no-run');
    expect(offered(shell, 'facet up --from ')).toContain('baseline');
    expect(offered(shell, 'facet ledger check ')).toContain('baseline');
  });
});

describe('bash', () => {
  const inBash = test.skipIf(!hasShell('bash'));

  inBash('offers only what begins as the word does', () => {
    expect(offered('bash', 'facet res')).toEqual(['resume']);
    expect(offered('bash', 'facet up --preset cifar10-f')).toEqual(['cifar10-fast']);
    expect(offered('bash', 'facet resume base')).toEqual(['baseline']);
    expect(offered('bash', 'facet up --set batch.')).toEqual(['batch.global=', 'batch.micro=']);
  });

  inBash('takes no value for a command', () => {
    const options = offered('bash', 'facet up --run resume --');
    expect(options).toContain('--dataset');
    expect(options).not.toContain('--schedule');
  });
});

it('has a script for three shells, and says so', async () => {
  const { code, stderr } = await runInProcess(['completion', 'tcsh'], {});
  expect(code).toBe(2);
  expect(stderr).toMatch(/Allowed choices are bash, zsh, fish/);
});
