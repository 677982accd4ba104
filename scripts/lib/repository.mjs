// Where things are. Every script works from the repository's root, whatever folder it is called from.

import { fileURLToPath } from 'node:url';

/** Absolute folder of the repository, without a trailing slash. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** The built command. */
export const CLI_MAIN = 'packages/cli/dist/main.js';
