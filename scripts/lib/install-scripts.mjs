// Facet installs with npm's install scripts switched off (.npmrc), and users' npm may block them anyway. So no dependency
// of the default install may need one. This lists the production packages that have one and refuses any that is not
// known to be harmless when it does not run.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Packages whose install script may stay away, and why. */
const HARMLESS_SCRIPTS = {
  'core-js': 'prints a message that asks for donations',
  'onnxruntime-node': 'downloads the CUDA libraries; CPU and WebGPU are inside the package',
  protobufjs: 'prints a message about version numbers',
};

/** What npm runs when it installs a dependency from the registry. */
const INSTALL_EVENTS = ['preinstall', 'install', 'postinstall'];

/** One line for each production package in `folder` that needs an install script nobody has judged; empty is good. */
export function findInstallScripts(folder, harmless = HARMLESS_SCRIPTS) {
  const { packages } = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8'));
  const problems = [];
  for (const [place, entry] of Object.entries(packages)) {
    if (!place.includes('node_modules/') || entry.dev || entry.link) continue;
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const reason =
      readInstallScript(path.join(folder, place)) ?? (entry.hasInstallScript ? 'has an install script' : undefined);
    if (reason !== undefined && !(name in harmless)) problems.push(`${place}: ${reason}`);
  }
  return problems;
}

/** Describes the install script of an installed package; undefined when it has none or is not installed here. */
function readInstallScript(folder) {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  const { scripts = {}, gypfile } = JSON.parse(readFileSync(file, 'utf8'));
  const event = INSTALL_EVENTS.find((name) => typeof scripts[name] === 'string');
  if (event !== undefined) return `${event}: ${scripts[event]}`;
  // npm runs node-gyp for a binding.gyp although no script says so.
  const isBuilt = gypfile === true || (gypfile !== false && existsSync(path.join(folder, 'binding.gyp')));
  return isBuilt ? 'is compiled with node-gyp' : undefined;
}
