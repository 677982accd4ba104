// `npm run sbom`: writes the software bill of materials of what users install to stdout, as CycloneDX JSON: every production
// package with its version, licence and hash. npm makes it from package-lock.json and node_modules.

import { ensureDependencies } from './lib/dependencies.mjs';
import { runForeground } from './lib/run-command.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  await ensureDependencies();
  return runForeground('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev']);
});
