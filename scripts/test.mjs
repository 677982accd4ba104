// `npm test -- [vitest arguments]`: prepares a clean clone as quickstart does, finds the programs that some tests need, and
// runs vitest once. `npm run test:long` runs the campaigns that take minutes instead (`*.long.test.ts`), and
// `npm run test:cluster` those on real clusters (`*.cluster.test.ts`), which say what to install where a piece is missing.

import { ensureBroker, prepareBuild } from './lib/bootstrap.mjs';
import { ensurePrometheus } from './lib/prometheus.mjs';
import { ensureS3rver } from './lib/s3rver.mjs';
import { runForeground } from './lib/run-command.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  await prepareBuild({ forTools: true });
  const broker = await ensureBroker();
  const prometheus = await ensurePrometheus();
  const s3rver = await ensureS3rver();
  const env = { ...process.env, NATS_SERVER_BIN: broker };
  if (prometheus !== undefined) env.FACET_PROMETHEUS_BIN = prometheus;
  if (s3rver !== undefined) env.FACET_S3RVER = s3rver;
  const asked = process.argv.slice(2);
  const special = ['--long', '--cluster'].find((name) => asked[0] === name);
  const names = special === undefined ? ['unit', 'alone', 'process'] : [special.slice(2)];
  // Patterns are joined by "or", so that two with `!` would leave nothing out.
  const projects = names.map((name) => `--project=${name}`);
  const rest = special === undefined ? asked : asked.slice(1);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...rest];
  return runForeground(process.execPath, vitest, { env });
});
