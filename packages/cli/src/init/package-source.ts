/**
 * Where npm finds this package for a new project: the tarball or version that it was installed from, or the tarball that
 * `npm run pack` makes in a checkout. Nothing here asks a registry.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What of a package.json is read here. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly workspaces?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface PackageSource {
  /** For `dependencies` of the project's package.json. */
  readonly spec: string;
  /** The project finds this package without an installation of its own. */
  readonly isInstalled: boolean;
  /** A checkout whose tarball has to be made first. */
  readonly checkoutToPack?: string;
}

/**
 * @param packageFolder folder of this package, without links
 * @param project folder of the new project, without links
 */
export async function packageSource(packageFolder: string, project: string): Promise<PackageSource> {
  const { name = '', version = '' } = (await readManifest(packageFolder)) ?? {};
  const checkout = path.resolve(packageFolder, '../..');
  if ((await readManifest(checkout))?.workspaces !== undefined) {
    const tarball = path.join(checkout, `${name}-${version}.tgz`);
    const isInstalled = isWithin(checkout, project);
    const source = { spec: fileSpec(project, tarball), isInstalled };
    return isInstalled || existsSync(tarball) ? source : { ...source, checkoutToPack: checkout };
  }
  const installed = path.resolve(packageFolder, '../..');
  const wanted = await readManifest(installed);
  const spec = wanted?.dependencies?.[name] ?? wanted?.devDependencies?.[name] ?? version;
  return {
    spec: spec.startsWith('file:') ? fileSpec(project, path.resolve(installed, spec.slice('file:'.length))) : spec,
    isInstalled: isWithin(installed, project),
  };
}

/** The package.json of a folder; undefined when there is none that can be read. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

function isWithin(folder: string, other: string): boolean {
  const relative = path.relative(folder, other);
  return !relative.startsWith('..') && !path.isAbsolute(relative);
}

function fileSpec(project: string, file: string): string {
  return `file:${path.relative(project, file).split(path.sep).join('/')}`;
}
