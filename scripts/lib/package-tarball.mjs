// Makes the tarball that users install: the command with all workspaces that it needs, their compiled files, proto/ and the
// trained models. Tests, source maps and compiled files whose source is gone stay out.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { npmCommand } from './dependencies.mjs';
import { bundledManifest, neededWorkspaces, packageManifest } from './package-manifest.mjs';
import { ROOT } from './repository.mjs';
import { ScriptError } from './say.mjs';

/** The workspace that users install. */
const PACKAGE = 'facet-train';

const COMPILED = /\.(?:js|d\.ts)$/;

/**
 * Packs what was built.
 *
 * @param folder where the tarball is written; it must exist
 * @returns `file`: its absolute path; `bytes`; `files`: how many are in it
 */
export async function makeTarball(folder) {
  const staging = await mkdtemp(path.join(tmpdir(), 'facet-pack-'));
  try {
    await stagePackage(staging);
    return await pack(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function stagePackage(staging) {
  const workspaces = await readWorkspaces();
  const manifests = new Map([...workspaces].map(([name, { manifest }]) => [name, manifest]));
  const [own, ...bundled] = neededWorkspaces(PACKAGE, manifests);
  const command = workspaces.get(own).folder;
  const root = await readJson(path.join(ROOT, 'package.json'));

  await writeJson(path.join(staging, 'package.json'), packageManifest(PACKAGE, manifests, root));
  await copyCompiled(command, staging);
  for (const part of ['bin', 'template']) {
    await cp(path.join(command, part), path.join(staging, part), { recursive: true });
  }
  for (const file of await readdir(path.join(staging, 'bin'))) await chmod(path.join(staging, 'bin', file), 0o755);
  for (const name of bundled) {
    const target = path.join(staging, 'node_modules', name);
    await copyCompiled(workspaces.get(name).folder, target);
    await writeJson(path.join(target, 'package.json'), bundledManifest(manifests.get(name)));
  }
  await cp(path.join(ROOT, 'proto'), path.join(staging, 'node_modules', '@facet', 'proto', 'proto'), {
    recursive: true,
  });
  await copyModels(path.join(staging, 'models'));
  await copyDeployFiles(path.join(staging, 'deploy'));
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE'])
    await copyFile(path.join(ROOT, file), path.join(staging, file));
}

/** Name to folder and package.json of every workspace. */
async function readWorkspaces() {
  const workspaces = new Map();
  for (const entry of await readdir(path.join(ROOT, 'packages'))) {
    const folder = path.join(ROOT, 'packages', entry);
    if (!existsSync(path.join(folder, 'package.json'))) continue;
    const manifest = await readJson(path.join(folder, 'package.json'));
    workspaces.set(manifest.name, { folder, manifest });
  }
  return workspaces;
}

/** Copies dist/ of a workspace: what is there beside its source, in src/. */
async function copyCompiled(workspace, target) {
  const dist = path.join(workspace, 'dist');
  // The page has no compiled files of its own: it is bundled.
  const page = path.join(dist, 'page');
  if (existsSync(page)) {
    await cp(page, path.join(target, 'dist', 'page'), {
      recursive: true,
      filter: (file) => path.basename(file) !== 'stamp.txt',
    });
  }
  if (!existsSync(dist)) throw new ScriptError(`${dist} is missing; run \`npm run build\` first`);
  for (const file of await readdir(dist, { recursive: true })) {
    if (!COMPILED.test(file) || !hasSource(path.join(workspace, 'src', file.replace(COMPILED, '')))) continue;
    const to = path.join(target, 'dist', file);
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(path.join(dist, file), to);
  }
}

function hasSource(stem) {
  return !stem.endsWith('.test') && (existsSync(`${stem}.ts`) || existsSync(`${stem}.d.ts`));
}

/** The committed files of the trained models; commands write reports beside them. */
async function copyModels(target) {
  const models = path.join(ROOT, 'models');
  await cp(models, target, {
    recursive: true,
    filter: (file) => !/^(?:evaluation|robustness)\./.test(path.basename(file)),
  });
}

/** What `facet deploy` prints from. Links become files: npm packs none. What makes images needs this repository. */
async function copyDeployFiles(target) {
  const deploy = path.join(ROOT, 'deploy');
  await cp(deploy, target, {
    recursive: true,
    dereference: true,
    filter: (file) => !/^(?:Dockerfile|image$)/.test(path.basename(file)),
  });
}

function pack(staging, folder) {
  const [command, ...prefix] = npmCommand();
  const args = [...prefix, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: staging, encoding: 'utf8' });
  if (status !== 0) throw new ScriptError(`npm pack failed: ${error?.message ?? stderr}`);
  const printed = JSON.parse(stdout);
  // npm 12 prints an object by name, older ones an array.
  const { filename, size, entryCount } = Array.isArray(printed) ? printed[0] : Object.values(printed)[0];
  return { file: path.join(folder, filename), bytes: size, files: entryCount };
}

async function readJson(file) {
  return JSON.parse(await readFile(file, 'utf8'));
}

async function writeJson(file, value) {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
