/**
 * A new project: the files of template/, and a package.json for it. An existing file is never touched.
 */
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrainingError, visibleLine } from '@facet/shared';
import { packageSource, readManifest, type PackageSource } from './package-source.js';

/** This package: src/init and dist/init lie two levels below it. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Files of template/ and their names in a project. npm packs no file with the name .gitignore. */
const FILES = [
  ['task.mjs', 'task.mjs'],
  ['facet.yaml', 'facet.yaml'],
  ['README.md', 'README.md'],
  ['gitignore', '.gitignore'],
] as const;

const MOST_NAMED = 3;

export interface NewProject {
  /** Absolute. */
  readonly folder: string;
  /** Names of the files, in the order in which they are shown. */
  readonly files: readonly string[];
  readonly source: PackageSource;
}

/**
 * Writes a project into a new or an empty folder.
 *
 * @throws TrainingError CONFIG_INVALID when the folder holds something, or is none.
 */
export async function writeProject(folder: string): Promise<NewProject> {
  await requireEmpty(folder);
  await mkdir(folder, { recursive: true });
  const project = await realpath(folder);
  const source = await packageSource(await realpath(PACKAGE), project);
  for (const [from, to] of FILES) {
    await writeNew(path.join(project, to), await readFile(path.join(PACKAGE, 'template', from), 'utf8'));
  }
  await writeNew(
    path.join(project, 'package.json'),
    `${JSON.stringify(await projectManifest(project, source), undefined, 2)}\n`,
  );
  return { folder: project, files: [...FILES.map(([, to]) => to), 'package.json'], source };
}

async function projectManifest(project: string, { spec }: PackageSource): Promise<object> {
  const { name = '' } = (await readManifest(PACKAGE)) ?? {};
  return {
    name: projectName(path.basename(project)),
    private: true,
    type: 'module',
    scripts: { train: 'facet up --config facet.yaml' },
    dependencies: { [name]: spec },
  };
}

/** A name that npm takes. */
function projectName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'training' : name.slice(0, 200);
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT') return [];
    const fault = caught.code === 'ENOTDIR' ? 'is a file' : `cannot be read: ${caught.message}`;
    throw new TrainingError('CONFIG_INVALID', `${folder} ${fault}, expected a new or an empty folder`, {
      cause: caught,
    });
  });
  if (names.length === 0) return;
  const shown = names.toSorted().slice(0, MOST_NAMED).map(visibleLine).join(', ');
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  throw new TrainingError('CONFIG_INVALID', `${folder} holds ${shown}${more}, expected a new or an empty folder`);
}

/** Fails when there is such a file by now. */
function writeNew(file: string, content: string): Promise<void> {
  return writeFile(file, content, { flag: 'wx' });
}
