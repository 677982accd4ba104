// Makes the folder of an image: what `npm run pack` makes, with the third-party packages that this repository's lock names,
// and a bill of materials. Leaves out what no process of an image loads: other platforms, bundles for browsers, types, maps.
//
//   node scripts/assemble-image.mjs FOLDER        in a built checkout, which it does not change

import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeTarball } from './lib/package-tarball.mjs';
import { ROOT } from './lib/repository.mjs';
import { slimPackages } from './lib/slim-packages.mjs';

const MOST_BYTES = 64 * 1024 * 1024;

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error('expected one folder: node scripts/assemble-image.mjs FOLDER');
  process.exit(2);
}
await assemble(path.resolve(target));

async function assemble(folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const bill = JSON.parse(execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, maxBuffer: MOST_BYTES }));
  await unpackOurs(folder);
  await copyOthers(folder);
  const { keptBytes, leftOutBytes } = await slimPackages(path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
  await cp(path.join(ROOT, 'deploy', 'image', 'healthcheck.mjs'), path.join(folder, 'healthcheck.mjs'));
  console.log(`${folder}: packages of ${megabytes(keptBytes)} MB; left out ${megabytes(leftOutBytes)} MB`);
}

async function unpackOurs(folder) {
  const packed = await mkdtemp(path.join(tmpdir(), 'facet-image-'));
  try {
    const { file } = await makeTarball(packed);
    execFileSync('tar', ['xzf', file, '-C', folder, '--strip-components=1']);
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
}

/** The packages that the lock names for an installation without tools, from where npm put them. */
async function copyOthers(folder) {
  const { packages } = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8'));
  for (const [place, { dev, devOptional, link, optional }] of Object.entries(packages)) {
    if (!place.startsWith('node_modules/') || dev || devOptional || link) continue;
    // A package within another one comes with it.
    if (place.indexOf('node_modules/', 1) > 0) continue;
    await cp(path.join(ROOT, place), path.join(folder, place), { recursive: true }).catch((error) => {
      // npm leaves out what is for other systems.
      if (!optional || error.code !== 'ENOENT') throw error;
    });
  }
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}
