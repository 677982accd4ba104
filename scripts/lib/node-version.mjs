// Refuses a Node.js that is too old with one clear line, before anything else can fail on it in a less clear way.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.mjs';
import { ScriptError } from './say.mjs';

/**
 * What vitest, eslint and knip need: 20.19 or 22.12. npm leaves out their native parts on any other version, without an
 * error. Facet itself runs on what package.json says under `engines`.
 */
const TOOL_VERSIONS = [
  [20, 19],
  [22, 12],
];

/** Throws unless this Node.js can run Facet; with `forTools`, unless it can run the tests and checks too. */
export function requireNode({ forTools = false, version = process.versions.node } = {}) {
  const { engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const minimum = /^>=(\d+)\.(\d+)/.exec(engines.node);
  if (minimum === null) throw new ScriptError(`package.json has engines.node "${engines.node}", expected ">=X.Y"`);
  const accepted = forTools ? TOOL_VERSIONS : [[Number(minimum[1]), Number(minimum[2])]];
  if (isAccepted(version, accepted)) return;
  const expected = accepted.map(([major, minor]) => `${major}.${minor}`).join(' or ');
  const purpose = forTools ? 'The tests and checks need' : 'Facet needs';
  throw new ScriptError(
    `${purpose} Node.js ${expected} or newer; this is ${version} (${process.execPath}).\n` +
      'Install a newer Node.js, for example with your package manager or from nodejs.org, and run the command again.',
    { isUsage: true },
  );
}

/** True for a version at or above the minimum of its own major line, or of a major line above all listed ones. */
export function isAccepted(version, accepted) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const sameLine = accepted.find(([line]) => line === major);
  if (sameLine !== undefined) return minor >= sameLine[1];
  return major > Math.max(...accepted.map(([line]) => line));
}
