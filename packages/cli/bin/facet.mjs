#!/usr/bin/env node
// Launcher of the `facet` command. It is checked in, and not built, because npm links a package's commands while it
// installs, which is before the first build.

import { existsSync, readFileSync } from 'node:fs';

/** Exit codes of exit-codes.ts: a scheduler may end a process before it has begun. */
const EARLY_ENDS = { SIGTERM: 75, SIGINT: 130 };
const LONG_LIVED = ['coordinator', 'worker', 'up', 'resume'];
if (LONG_LIVED.includes(process.argv[2])) {
  for (const [signal, code] of Object.entries(EARLY_ENDS)) {
    // Once the command listens itself, it decides.
    process.on(signal, () => process.listenerCount(signal) === 1 && process.exit(code));
  }
}

const FILES_TO_START = 128;
// Read now: where the limit is reached, not even this can be read.
const filesLimit = openFilesLimit();

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href).catch(explainLimit);
} else {
  console.error('facet is not built yet: packages/cli/dist/main.js is missing. Run `npm run build` first.');
  process.exitCode = 1;
}

// Node opens the files of all modules at once, before anything of ours runs that could say what is wrong. Where it finds no
// file any more, it may also say that a module is missing.
function explainLimit(error) {
  const isLimit = error?.code === 'EMFILE' || error?.code === 'ENFILE' || filesLimit < FILES_TO_START;
  if (!isLimit) throw error;
  const message = `a process may open too few files to start: ${error.message}; raise the limit (\`ulimit -n 4096\`)`;
  console.error(`error [INTERNAL]: ${message}`);
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: { code: 'INTERNAL', message } }));
  process.exitCode = 1;
}

function openFilesLimit() {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  } catch {
    // Not Linux.
    return Infinity;
  }
}
