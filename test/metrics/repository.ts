/** Where things are in the repository, for tests that run its programs and read its files. */
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const DEPLOY = path.join(ROOT, 'deploy');
export const CLI_MAIN = path.join(ROOT, 'packages/cli/dist/main.js');
