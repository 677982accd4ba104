// `npm run check`: everything CI runs besides the tests. All checks run, also after one has failed; the table at the end
// says which ones to look at.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDependencies } from './lib/dependencies.mjs';
import { findBadFileNames } from './lib/file-names.mjs';
import { findImportCircles } from './lib/import-circles.mjs';
import { findInstallScripts } from './lib/install-scripts.mjs';
import { findLicenceFaults } from './lib/licences.mjs';
import { findLockFileFaults } from './lib/lock-file.mjs';
import { findLongMarkdownLines } from './lib/markdown-lines.mjs';
import { requireNode } from './lib/node-version.mjs';
import { checkProtoTypes } from './lib/proto-types.mjs';
import { ROOT } from './lib/repository.mjs';
import { runForeground } from './lib/run-command.mjs';
import { ScriptError, formatSeconds, runScript, say } from './lib/say.mjs';

/** Runs a tool from node_modules with its output on our stderr; throws when it finds something. */
async function runTool(file, ...args) {
  const code = await runForeground(process.execPath, [`node_modules/${file}`, ...args], { stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new ScriptError(`exit code ${code}, expected 0`);
}

function requireNone(title, problems) {
  if (problems.length > 0) throw new ScriptError(`${title}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
}

function readLockFile() {
  return JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
}

const SOURCES = ['packages', 'scripts', 'bench', 'test', 'reference'];

const CHECKS = [
  ['generated types', () => checkProtoTypes()],
  ['build', () => runTool('typescript/bin/tsc', '-b')],
  ['test types', () => runTool('typescript/bin/tsc', '-p', 'tsconfig.test.json')],
  ['eslint', () => runTool('eslint/bin/eslint.js', '--max-warnings=0', '.')],
  ['prettier', () => runTool('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.')],
  // Every symbol that users import has a doc comment, and the reference is made without a warning.
  ['api reference', () => runTool('typedoc/bin/typedoc', '--emit', 'none')],
  ['knip', () => runTool('knip/bin/knip.js', '--no-progress')],
  ['file names', async () => requireNone('Rename', findBadFileNames(ROOT, SOURCES))],
  [
    'import circles',
    async () => requireNone('Move what both need to one of them', await findImportCircles(ROOT, SOURCES)),
  ],
  ['markdown lines', async () => requireNone('Wrap', findLongMarkdownLines(ROOT))],
  ['licences', async () => requireNone('Production dependencies', findLicenceFaults(readLockFile()))],
  ['lock file', async () => requireNone('package-lock.json', findLockFileFaults(readLockFile()))],
  [
    'install scripts',
    async () =>
      requireNone(
        'Production dependencies that need an install script (scripts/lib/install-scripts.mjs)',
        findInstallScripts(ROOT),
      ),
  ],
];

await runScript(async () => {
  requireNode({ forTools: true });
  await ensureDependencies();
  const rows = [];
  for (const [title, run] of CHECKS) {
    say(`== ${title}`);
    const startedAtMs = Date.now();
    let outcome = 'ok';
    try {
      await run();
    } catch (error) {
      say(error instanceof ScriptError ? error.message : String(error?.stack));
      outcome = 'FAILED';
    }
    rows.push(`${title.padEnd(18)}${outcome.padEnd(8)}${formatSeconds(Date.now() - startedAtMs)}`);
  }
  say(`\n${rows.join('\n')}`);
  return rows.some((row) => row.includes('FAILED')) ? 1 : 0;
});
