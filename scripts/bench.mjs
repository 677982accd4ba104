// `npm run bench -- NAME [options]`: builds, then runs the bench. Without a NAME it lists the benches. It installs no system
// packages: a bench that needs one says so.

import { prepareBuild } from './lib/bootstrap.mjs';
import { runForeground } from './lib/run-command.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  await prepareBuild();
  return runForeground(process.execPath, ['bench/dist/main.js', ...process.argv.slice(2)]);
});
