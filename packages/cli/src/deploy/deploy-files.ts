/** Where the files of deploy/ are: in the package that was installed, or at the root of a checkout. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrainingError } from '@facet/shared';

/** src/deploy and dist/deploy lie two levels below the package, and that two below the root of a checkout. */
const PLACES = ['../../deploy', '../../../../deploy'].map((place) => fileURLToPath(new URL(place, import.meta.url)));

/** @throws TrainingError INTERNAL when an installation lacks them. */
export function deployFolder(): string {
  const found = PLACES.find((place) => existsSync(path.join(place, 'compose.yaml')));
  if (found !== undefined) return found;
  throw new TrainingError('INTERNAL', `${PLACES.join(' and ')}: missing, expected the files of deploy/; install again`);
}

export function chartFolder(): string {
  return path.join(deployFolder(), 'helm', 'facet');
}

/** The text of one file of deploy/. */
export function readDeployFile(...parts: readonly string[]): Promise<string> {
  return readFile(path.join(deployFolder(), ...parts), 'utf8');
}
