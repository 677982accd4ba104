/** Runs the real command, which starts every process, and turns what it says into rows. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RehearsalReport, RehearsedSize } from 'facet-train/internal';
import type { Run } from '../bench.js';
import { round } from '../figures.js';
import { facetCommand } from '../process/facet-command.js';
import type { RehearseFigures, RehearseOptions, RehearseRatios, RehearseRow } from './definition.js';

export const runRehearse: Run<RehearseOptions, RehearseRow, RehearseFigures, RehearseRatios> = async (
  { workers, steps, 'step-ms': stepMs },
  { signal, say },
) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-rehearse-'));
  try {
    const flags = ['--workers', workers.join(), '--steps', String(steps), '--step-ms', String(stepMs), '--json'];
    const { sizes } = await rehearse(flags, { runs: path.join(folder, 'runs'), signal, say });
    const rows = sizes.map(rowOf);
    const [fewest, most] = [rows[0]!, rows.at(-1)!];
    const cpu = (row: RehearseRow): number | undefined =>
      row.coordinatorCpuMsPerStep && row.coordinatorCpuMsPerStep / row.workers;
    const [cpuOfMost, cpuOfFewest] = [cpu(most), cpu(fewest)];
    return {
      rows,
      figures: {
        workers: most.workers,
        stepMs,
        overheadP99Ms: most.overheadP99Ms,
        ...(most.coordinatorPeakMB !== undefined && { peakMB: most.coordinatorPeakMB }),
        killedToStepMs: most.killedToStepMs,
      },
      ratios: {
        ...(cpuOfMost && cpuOfFewest && { cpuPerWorkerAndStep: round(cpuOfMost / cpuOfFewest) }),
        formBytesPerWorker: round(most.formBytesOfOne / fewest.formBytesOfOne),
      },
      notes: ['coordinator, broker and all simulated workers share this machine, so times are upper bounds'],
      failures: sizes.flatMap(({ workers: of, violations }) => violations.map((found) => `${of} workers: ${found}`)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

function rowOf(size: RehearsedSize): RehearseRow {
  const { workers, messageBytes, formBytes, stepBytes, series, kill, failover } = size;
  const measured = <Key extends keyof RehearseRow>(key: Key, value: number | undefined) =>
    value === undefined ? {} : { [key]: round(value) };
  return {
    workers,
    overheadP50Ms: round(size.overheadP50Ms),
    overheadP99Ms: round(size.overheadP99Ms),
    joinMs: round(size.joinMs),
    commitMs: round(size.commitMs),
    ...measured('coordinatorCpuShare', size.coordinatorCpuShare),
    ...measured('coordinatorCpuMsPerStep', size.coordinatorCpuMsPerStep),
    ...measured('coordinatorMB', size.coordinatorMB),
    ...measured('coordinatorPeakMB', size.coordinatorPeakMB),
    formBytesOfOne: messageBytes['form'] ?? 0,
    ...{ formBytes, stepBytes, series },
    killed: kill.killed,
    killedToStartMs: round(kill.toStartMs),
    killedToStepMs: round(kill.toStepMs),
    rejoinMs: round(size.rejoinMs),
    failoverToStartMs: round(failover.toStartMs),
    failoverToStepMs: round(failover.toStepMs),
  };
}

interface RehearsePlace {
  readonly runs: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws Error with what the command said last, if it printed no report */
function rehearse(flags: readonly string[], { runs, signal, say }: RehearsePlace): Promise<RehearsalReport> {
  const child = spawn(process.execPath, facetCommand('rehearse', ...flags), {
    env: { ...process.env, FACET_RUNS: runs },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGTERM',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_000);
    say(text.trimEnd());
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      // With broken promises it prints its report and ends with 1.
      const report = stdout.trim() === '' ? undefined : (JSON.parse(stdout) as Partial<RehearsalReport>);
      if (report?.sizes !== undefined) resolve(report as RehearsalReport);
      else reject(new Error(`facet rehearse ended with ${code}: ${stderr.trim()}`));
    });
  });
}
