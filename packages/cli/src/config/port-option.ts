import { TrainingError } from '@facet/shared';

export const MOST_PORT = 65_535;

/**
 * The number of --port.
 *
 * @param least 0 where any free port may be taken
 * @throws TrainingError CONFIG_INVALID
 */
export function readPort(text: string, { least }: { readonly least: 0 | 1 }): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= least && port <= MOST_PORT) return port;
  throw new TrainingError('CONFIG_INVALID', `--port: '${text}', expected a whole number from ${least} to ${MOST_PORT}`);
}
