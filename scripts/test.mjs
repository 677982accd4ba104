// `npm test -- [vitest arguments]`: prepares a clean clone as quickstart does, finds the programs that some tests need, and
// runs vitest once.

import { ensureBroker, prepareBuild } from './lib/bootstrap.mjs';
import { ensurePrometheus } from './lib/prometheus.mjs';
import { runForeground } from './lib/run-command.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  await prepareBuild({ forTools: true });
  const broker = await ensureBroker();
  const prometheus = await ensurePrometheus();
  const env = { ...process.env, NATS_SERVER_BIN: broker };
  if (prometheus !== undefined) env.FACET_PROMETHEUS_BIN = prometheus;
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)];
  return runForeground(process.execPath, vitest, { env });
});
