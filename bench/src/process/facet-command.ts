/** The real `facet` command. */
import { fileURLToPath } from 'node:url';

/** Arguments of Node that run it. */
export function facetCommand(...args: readonly string[]): string[] {
  return [fileURLToPath(new URL('../../../packages/cli/bin/facet.mjs', import.meta.url)), ...args];
}
