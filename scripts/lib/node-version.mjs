// Refuses a Node.js that is too old with one clear line, before anything else can fail on it in a less clear way.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './repository.mjs';
import { ScriptError } from './say.mjs';

/**
 * What vitest, eslint, knip and vite need. npm leaves out their native parts on any other version, without an error. Facet
 * itself runs on what package.json says under `engines`.
 */
export const TOOL_RANGE = '^20.19.0 || >=22.12.0';

/** Throws unless this Node.js can run Facet; with `forTools`, unless it can run the tests and checks too. */
export function requireNode({ forTools = false, version = process.versions.node } = {}) {
  const { engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const range = forTools ? TOOL_RANGE : engines.node;
  if (isInRange(version, range)) return;
  const purpose = forTools ? 'The tests and checks need' : 'Facet needs';
  throw new ScriptError(
    `${purpose} Node.js ${range}; this is ${version} (${process.execPath}).\n` +
      'Install a newer Node.js, for example with your package manager or from nodejs.org, and run the command again.',
    { isUsage: true },
  );
}

/** Whether this Node.js runs the tools. */
export function isToolNode(version = process.versions.node) {
  return isInRange(version, TOOL_RANGE);
}

/** Whether a version is in a range as binaries state it: `>= 10`, `^20.19.0 || >=22.12.0`. Other forms count as met. */
export function isInRange(version, range = '') {
  const actual = parseVersion(version);
  const parts = range.split('||').map((part) => /^\s*(\^|>=)\s*(\d+(?:\.\d+)*)\s*$/.exec(part));
  if (parts.includes(null)) return true;
  return parts.some(([, operator, text]) => {
    const minimum = parseVersion(text);
    const isAtLeast = actual[0] === minimum[0] ? actual[1] >= minimum[1] : actual[0] > minimum[0];
    return isAtLeast && (operator === '>=' || actual[0] === minimum[0]);
  });
}

function parseVersion(text) {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return [major, minor];
}
