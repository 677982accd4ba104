// `npm run build`: compiles all packages (incremental) and makes the built command executable. Installs the dependencies
// first when they are missing.

import { prepareBuild } from './lib/bootstrap.mjs';
import { runScript } from './lib/say.mjs';

await runScript(() => prepareBuild());
