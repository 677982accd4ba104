import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageSource } from './package-source.js';

let folder = '';

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'facet-source-')));
});

afterEach(() => rm(folder, { recursive: true }));

const OWN = { name: 'facet-train', version: '1.2.3' };

async function manifest(place: string, content: object): Promise<string> {
  const at = path.join(folder, place);
  await mkdir(at, { recursive: true });
  await writeFile(path.join(at, 'package.json'), JSON.stringify(content));
  return at;
}

it('names the tarball that the package was installed from, from the new folder', async () => {
  await manifest('site', { dependencies: { 'facet-train': 'file:../downloads/facet-train-1.2.3.tgz' } });
  const own = await manifest('site/node_modules/facet-train', OWN);
  const tarball = 'downloads/facet-train-1.2.3.tgz';
  expect(await packageSource(own, path.join(folder, 'other'))).toEqual({
    spec: `file:../${tarball}`,
    isInstalled: false,
  });
  expect(await packageSource(own, path.join(folder, 'site', 'task'))).toEqual({
    spec: `file:../../${tarball}`,
    isInstalled: true,
  });
});

it('names the version that was asked for, and else its own', async () => {
  await manifest('site', { devDependencies: { 'facet-train': '^1.2.0' } });
  const own = await manifest('site/node_modules/facet-train', OWN);
  expect((await packageSource(own, path.join(folder, 'other'))).spec).toBe('^1.2.0');
  const global = await manifest('lib/node_modules/facet-train', OWN);
  expect(await packageSource(global, path.join(folder, 'other'))).toEqual({ spec: '1.2.3', isInstalled: false });
});

it('names the tarball of a checkout, and says if it has to be made first', async () => {
  const checkout = await manifest('checkout', { workspaces: ['packages/*'] });
  const own = await manifest('checkout/packages/cli', OWN);
  const spec = 'file:../checkout/facet-train-1.2.3.tgz';
  const other = path.join(folder, 'other');
  expect(await packageSource(own, other)).toEqual({ spec, isInstalled: false, checkoutToPack: checkout });
  await writeFile(path.join(checkout, 'facet-train-1.2.3.tgz'), '');
  expect(await packageSource(own, other)).toEqual({ spec, isInstalled: false });
  expect((await packageSource(own, path.join(checkout, 'mine'))).isInstalled).toBe(true);
});
