/** The home of the user that this process runs as. A container may run as a user id that has none, and that no file knows. */
import { homedir } from 'node:os';
import type { Environment } from '../config/environment.js';

/** As Debian says it of users without a home: nothing is found there, and whoever wants to write there is told so. */
const NO_HOME = '/nonexistent';

export function homeFolder(env: Environment, ofSystem: () => string = homedir): string {
  if (env['HOME']) return env['HOME'];
  try {
    return ofSystem();
  } catch {
    return NO_HOME;
  }
}
