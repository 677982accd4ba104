// `npm run bench -- NAME [--json] [arguments]`: builds, then runs bench/NAME.mjs with the arguments. Without a NAME it
// lists the benches. It installs no system packages: a bench that needs one says so.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { prepareBuild } from './lib/bootstrap.mjs';
import { ROOT } from './lib/repository.mjs';
import { runForeground } from './lib/run-command.mjs';
import { ScriptError, runScript } from './lib/say.mjs';

/** The names of the benches, from the files in bench/. */
function listBenches() {
  const folder = path.join(ROOT, 'bench');
  const files = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return files
    .filter((entry) => entry.isFile() && entry.name.endsWith('.mjs'))
    .map((entry) => entry.name.slice(0, -'.mjs'.length))
    .sort();
}

await runScript(async () => {
  const [name, ...args] = process.argv.slice(2);
  const names = listBenches();
  const list = names.length > 0 ? names.map((known) => `  ${known}`).join('\n') : '  (none yet)';
  if (name === undefined) {
    console.log(`Usage: npm run bench -- NAME [--json] [arguments]\nBenches:\n${list}`);
    return 0;
  }
  if (!names.includes(name)) {
    throw new ScriptError(`There is no bench "${name}". Benches:\n${list}`, { isUsage: true });
  }
  await prepareBuild();
  return runForeground(process.execPath, [`bench/${name}.mjs`, ...args]);
});
