/** The coordinator's log, as far as the recovery bench reads it. */
import { readFile } from 'node:fs/promises';

export interface LogLine {
  readonly msg: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly pid: number;
  readonly generation?: number;
  readonly worldSize?: number;
}

/** The whole lines of the log; none while there is no log. */
export async function readCoordinatorLog(file: string): Promise<LogLine[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}
