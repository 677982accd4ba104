// `npm run generate`: writes packages/proto/src/gen from proto/. The result is checked in; `npm run check` compares.

import { ensureDependencies } from './lib/dependencies.mjs';
import { requireNode } from './lib/node-version.mjs';
import { generateProtoTypes } from './lib/proto-types.mjs';
import { runScript } from './lib/say.mjs';

await runScript(async () => {
  requireNode();
  await ensureDependencies();
  await generateProtoTypes();
});
