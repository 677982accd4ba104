#!/usr/bin/env node
// Launcher of the `facet` command. It is checked in, and not built, because npm links a package's commands while it
// installs, which is before the first build.

import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('facet is not built yet: packages/cli/dist/main.js is missing. Run `npm run build` first.');
  process.exitCode = 1;
}
