import { expect, it } from 'vitest';
import { bundledManifest, neededWorkspaces, packageManifest } from './package-manifest.mjs';

const exportsOfDist = { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './internal': './dist/i.js' };
const workspace = (name, dependencies, more = {}) => [
  name,
  {
    name,
    version: '1.2.3',
    type: 'module',
    license: 'X',
    exports: exportsOfDist,
    dependencies,
    private: true,
    ...more,
  },
];
const workspaces = (zod = '4.0.0') =>
  new Map([
    workspace('door', { '@own/b': '1.2.3', zod: '4.0.0' }, { bin: { door: './bin/door.mjs' } }),
    workspace('@own/b', { '@own/a': '1.2.3', sharp: '1.0.0' }),
    workspace(
      '@own/a',
      { zod },
      { peerDependencies: { gpu: '2.0.0' }, peerDependenciesMeta: { gpu: { optional: true } } },
    ),
    workspace('@own/tests', { '@own/a': '1.2.3', vitest: '9.9.9' }),
  ]);
const root = { engines: { node: '>=20' } };

it('holds the workspaces that the package needs, through others as well, and no more', () => {
  expect(neededWorkspaces('door', workspaces())).toEqual(['door', '@own/b', '@own/a']);
});

it('makes what any of them needs a dependency of the package, and bundles them', () => {
  expect(packageManifest('door', workspaces(), root)).toEqual({
    name: 'door',
    version: '1.2.3',
    license: 'X',
    type: 'module',
    engines: { node: '>=20' },
    bin: { door: './bin/door.mjs' },
    exports: { '.': exportsOfDist['.'], './package.json': './package.json' },
    types: './dist/index.d.ts',
    files: ['bin', 'deploy', 'dist', 'models', 'template'],
    dependencies: { '@own/a': '1.2.3', '@own/b': '1.2.3', sharp: '1.0.0', zod: '4.0.0' },
    peerDependencies: { gpu: '2.0.0' },
    peerDependenciesMeta: { gpu: { optional: true } },
    bundleDependencies: ['@own/a', '@own/b'],
  });
});

it('keeps the entries of a bundled workspace, and leaves its dependencies to the package', () => {
  expect(bundledManifest(workspaces().get('@own/a'))).toEqual({
    name: '@own/a',
    version: '1.2.3',
    private: true,
    type: 'module',
    license: 'X',
    exports: exportsOfDist,
  });
});

it('refuses two versions of one dependency, and a range', () => {
  expect(() => packageManifest('door', workspaces('4.0.1'), root)).toThrow(
    '@own/a needs zod 4.0.1, another workspace needs 4.0.0; expected one version',
  );
  expect(() => packageManifest('door', workspaces('^4.0.0'), root)).toThrow(
    '@own/a needs zod ^4.0.0, expected an exact',
  );
});
