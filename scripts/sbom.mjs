// `npm run sbom`: writes the software bill of materials of what users install to stdout, as CycloneDX JSON: every production
// package with its version, licence and hash. npm makes it from package-lock.json and node_modules.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ensureDependencies } from './lib/dependencies.mjs';
import { ROOT } from './lib/repository.mjs';
import { runScript } from './lib/say.mjs';

const MOST_BYTES = 64 * 1024 * 1024;

await runScript(async () => {
  await ensureDependencies();
  const npm = ['sbom', '--sbom-format', 'cyclonedx'];
  const { stdout } = await promisify(execFile)('npm', npm, { cwd: ROOT, maxBuffer: MOST_BYTES });
  console.log(JSON.stringify(withoutTools(JSON.parse(stdout)), null, 2));
});

/** `--omit dev` of npm would also leave out what a package of ours and a tool of ours both need. */
function withoutTools(bill) {
  const isTool = ({ properties = [] }) => properties.some(({ name }) => name === 'cdx:npm:package:development');
  const tools = new Set(bill.components.filter(isTool).map((component) => component['bom-ref']));
  const kept = (ref) => !tools.has(ref);
  return {
    ...bill,
    components: bill.components.filter((component) => kept(component['bom-ref'])),
    dependencies: bill.dependencies
      .filter(({ ref }) => kept(ref))
      .map((dependency) => ({ ...dependency, dependsOn: dependency.dependsOn.filter(kept) })),
  };
}
