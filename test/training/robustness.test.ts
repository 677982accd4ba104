/**
 * A model that was trained in earnest, that of a preset, attacked and corrupted by the real command: what is undefended falls,
 * the checks agree, and the report in the model's folder is the one that was printed.
 */
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openWorkspace, parseJson } from '../testkit/facet.js';

interface Report {
  readonly clean: { readonly accuracy: number };
  readonly attacks: readonly { readonly name: string; readonly accuracy: number }[];
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
  readonly corruptions: { readonly results: readonly { readonly accuracies: readonly number[] }[] };
}

const MODEL = fileURLToPath(new URL('../../models/mnist-fast', import.meta.url));

it('an undefended model keeps nothing under PGD at 0.3, and the checks believe it', { timeout: 240_000 }, async () => {
  await using workspace = await openWorkspace();
  const folder = path.join(workspace.folder, 'demo');
  await cp(MODEL, folder, { recursive: true });

  const robustness = ['robustness', './demo', '--samples', '60', '--norm', 'linf', '--queries', '200', '--json'];
  const result = await workspace.run([...robustness, '--corruptions', 'brightness,translate']);
  expect(result.code, result.stderr).toBe(0);
  const printed = parseJson(result);
  const { clean, attacks, checks, corruptions } = printed as unknown as Report;
  expect(clean.accuracy).toBeGreaterThan(0.9);
  expect(attacks.find(({ name }) => name === 'pgd')?.accuracy).toBeLessThan(0.05);
  for (const { name, verdict, detail } of checks) expect(verdict, `${name}: ${detail}`).toBe('pass');
  expect(corruptions.results.map(({ accuracies }) => accuracies.length)).toEqual([5, 5]);

  const { file, page, warnings, ...document } = printed;
  expect(warnings).toEqual([]);
  expect(file).toBe(path.join(folder, 'robustness.json'));
  expect(page).toBe(path.join(folder, 'robustness.html'));
  expect(JSON.parse(await readFile(file as string, 'utf8'))).toEqual(document);
});
