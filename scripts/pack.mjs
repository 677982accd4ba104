// `npm run pack`: builds, and makes the package that users install: one tarball in the repository's root. Prints its path on
// stdout.

import path from 'node:path';
import { prepareBuild } from './lib/bootstrap.mjs';
import { makeTarball } from './lib/package-tarball.mjs';
import { ROOT } from './lib/repository.mjs';
import { runScript, say } from './lib/say.mjs';

await runScript(async () => {
  await prepareBuild();
  const { file, bytes, files } = await makeTarball(ROOT);
  const name = path.basename(file);
  say(`${name}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB; install it with \`npm install ${file}\``);
  console.log(file);
});
