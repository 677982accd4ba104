// `npm run bench -- fuzz [--scale N]`: the fuzz tests of everything that a peer can send, with N times their cases: 100, the
// default, makes a million. A case that breaks a promise is printed with the seed that repeats it, and makes it fail.

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { scale: { type: 'string', default: '100' } } });
const tests = [
  'packages/coordinator/src/grpc/wire-fuzz.test.ts',
  'packages/worker/src/collective/wire-fuzz.test.ts',
  'packages/shared/src/wire/shard-message.test.ts',
];

const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
  env: { ...process.env, FACET_FUZZ_SCALE: values.scale },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
