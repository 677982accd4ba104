/**
 * Probes the engines in a process of their own: their native libraries write what they like to stderr, and a broken driver
 * may take its process with it. Neither must reach the report.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineProbe } from '@facet/worker';

export type EngineProbes =
  { readonly ok: true; readonly found: readonly EngineProbe[] } | { readonly ok: false; readonly reason: string };

const DEADLINE_MS = 120_000;

/** Runs `facet doctor --engines-only` and reads what it found. */
export function probeEnginesApart(): Promise<EngineProbes> {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const args = [...process.execArgv, main, 'doctor', '--engines-only'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: DEADLINE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (error === null && last.startsWith('[')) {
        resolve({ ok: true, found: JSON.parse(last) as EngineProbe[] });
      } else {
        const told = stderr.trim().split('\n').at(-1) ?? '';
        const how = error?.killed ? `no answer in ${DEADLINE_MS} ms` : (error?.message.split('\n')[0] ?? 'no result');
        resolve({ ok: false, reason: `probing the engines failed: ${how}${told === '' ? '' : ` (${told})`}` });
      }
    });
  });
}
