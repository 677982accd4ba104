// `npm run quickstart -- [flags of facet up]`: from a clean clone to a training run on this machine, with two workers on
// MNIST unless the flags say otherwise. Installs what is missing first; see scripts/lib/bootstrap.mjs. stdout belongs to
// `facet up` alone.

import { ensureBroker, prepareBuild } from './lib/bootstrap.mjs';
import { withDefaultFlags } from './lib/default-flags.mjs';
import { CLI_MAIN } from './lib/repository.mjs';
import { runForeground } from './lib/run-command.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  await prepareBuild();
  const broker = await ensureBroker();
  const flags = withDefaultFlags(process.argv.slice(2), { dataset: 'mnist', workers: '2' });
  return runForeground(process.execPath, [CLI_MAIN, 'up', ...flags], {
    env: { ...process.env, NATS_SERVER_BIN: broker },
  });
});
