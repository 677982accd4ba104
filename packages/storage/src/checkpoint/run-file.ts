/**
 * The text of run.json. It vouches for the other files of its checkpoint, and its own last member, the SHA-256 of the
 * text without that member, vouches for it: a change of any byte shows.
 */
import { createHash } from 'node:crypto';
import { parseRunFile, TrainingError, type RunFile } from '@facet/shared';

/**
 * Writes run.json.
 *
 * @throws TrainingError INTERNAL naming the member that could not be read back, such as a metric that is NaN.
 */
export function formatRunFile(runFile: RunFile): string {
  const body = JSON.stringify(runFile, null, 2);
  const parsed = parseRunFile(JSON.parse(body));
  if (!parsed.ok)
    throw new TrainingError('INTERNAL', `a checkpoint cannot hold this in its run.json: ${parsed.reason}`);
  return `${body.slice(0, -'\n}'.length)},\n  "sha256": "${hashOf(body)}"\n}\n`;
}

/**
 * Reads the text of a run.json.
 *
 * @throws TrainingError CHECKPOINT_INVALID when the text was changed or cut; CHECKPOINT_INCOMPATIBLE when it is intact
 *   but not of this version.
 */
export function readRunFile(text: string): RunFile {
  const parts = /^(.*),\n {2}"sha256": "([0-9a-f]{64})"\n\}\n$/s.exec(text);
  if (parts === null) {
    throw new TrainingError(
      'CHECKPOINT_INVALID',
      'run.json does not end with its own SHA-256: it is cut short or was edited; use another checkpoint',
    );
  }
  const body = `${parts[1]}\n}`;
  const actual = hashOf(body);
  if (actual !== parts[2]) {
    throw new TrainingError(
      'CHECKPOINT_INVALID',
      `run.json has SHA-256 ${actual}, expected ${parts[2]}; use another checkpoint`,
    );
  }
  const parsed = parseRunFile(JSON.parse(body));
  if (!parsed.ok) {
    const advice = 'use the version of Facet that wrote it';
    throw new TrainingError('CHECKPOINT_INCOMPATIBLE', `run.json is not of this version: ${parsed.reason}; ${advice}`);
  }
  return parsed.runFile;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
