/**
 * A model that was trained in earnest, attacked and corrupted by the real command: what is undefended falls, the checks
 * agree, and the report in the run's folder is the one that was printed.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openWorkspace, parseJson } from '../testkit/facet.js';

interface Report {
  readonly clean: { readonly accuracy: number };
  readonly attacks: readonly { readonly name: string; readonly accuracy: number }[];
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
  readonly corruptions: { readonly results: readonly { readonly accuracies: readonly number[] }[] };
}

const TRAINING = ['--set', 'samples.train=12000', '--set', 'samples.test=200'];

it('an undefended model keeps nothing under PGD at 0.3, and the checks believe it', { timeout: 240_000 }, async () => {
  await using workspace = await openWorkspace();
  const up = ['up', '--dataset', 'mnist', '--epochs', '1', '--workers', '1', '--run', 'demo', '--json', ...TRAINING];
  expect((await workspace.run(up)).code).toBe(0);

  const robustness = ['robustness', 'demo', '--samples', '60', '--norm', 'linf', '--queries', '200', '--json'];
  const result = await workspace.run([...robustness, '--corruptions', 'brightness,translate']);
  expect(result.code, result.stderr).toBe(0);
  const printed = parseJson(result);
  const { clean, attacks, checks, corruptions } = printed as unknown as Report;
  expect(clean.accuracy).toBeGreaterThan(0.5);
  expect(attacks.find(({ name }) => name === 'pgd')?.accuracy).toBeLessThan(0.05);
  for (const { name, verdict, detail } of checks) expect(verdict, `${name}: ${detail}`).toBe('pass');
  expect(corruptions.results.map(({ accuracies }) => accuracies.length)).toEqual([5, 5]);

  const { file, page, warnings, ...document } = printed;
  expect(warnings).toEqual([]);
  expect(file).toBe(path.join(workspace.runs, 'demo', 'robustness.json'));
  expect(page).toBe(path.join(workspace.runs, 'demo', 'robustness.html'));
  expect(JSON.parse(await readFile(file as string, 'utf8'))).toEqual(document);
});
