/** The figures of `facet rehearse` as text. */
import { formatBytes, formatCount, formatPercent } from '@facet/lab/data';
import type { RehearsalReport, RehearsedLoss, RehearsedSize } from './rehearsal-report.js';
import { tableLines } from '../display/table.js';

const COLUMNS: readonly (readonly [header: string, cell: (size: RehearsedSize) => string])[] = [
  ['workers', ({ workers }) => formatCount(workers)],
  ['overhead p50', ({ overheadP50Ms }) => milliseconds(overheadP50Ms)],
  ['p99', ({ overheadP99Ms }) => milliseconds(overheadP99Ms)],
  ['join', ({ joinMs }) => milliseconds(joinMs)],
  ['commit', ({ commitMs }) => milliseconds(commitMs)],
  ['CPU', ({ coordinatorCpuShare }) => formatPercent(coordinatorCpuShare ?? Number.NaN)],
  ['per step', ({ coordinatorCpuMsPerStep }) => milliseconds(coordinatorCpuMsPerStep ?? Number.NaN)],
  ['peak', ({ coordinatorPeakMB }) => formatBytes((coordinatorPeakMB ?? Number.NaN) * 1e6)],
  ['Forms', ({ formBytes }) => formatBytes(formBytes)],
  ['step', ({ stepBytes }) => formatBytes(stepBytes)],
  ['series', ({ series }) => formatCount(series)],
  ['10 % killed', ({ kill }) => loss(kill)],
  ['joined again', ({ rejoinMs }) => milliseconds(rejoinMs)],
  ['coordinator killed', ({ failover }) => loss(failover)],
];

/** What the command prints. */
export function rehearsalLines({ sizes }: RehearsalReport): string[] {
  const violations = sizes.flatMap(({ workers, violations: found }) =>
    found.map((problem) => `${workers} workers: ${problem}`),
  );
  return [
    ...tableLines({
      header: COLUMNS.map(([header]) => header),
      right: COLUMNS.map((_, at) => at),
      rows: sizes.map((size) => COLUMNS.map(([, cell]) => cell(size))),
    }),
    '',
    'overhead: what lies between two steps, reports, commit and shards; join: first Hello to Start; commit: first report of a step to',
    'the ledger; CPU and peak memory of the coordinator; Forms: all that open a generation; step: all reports of a step; killed: to',
    'Start, then to the next committed step. Simulated workers share this machine with the coordinator, so times are upper bounds.',
    ...violations,
  ];
}

function milliseconds(value: number): string {
  return `${formatCount(value)} ms`;
}

function loss({ toStartMs, toStepMs }: RehearsedLoss): string {
  return `${formatCount(toStartMs)}, ${formatCount(toStepMs)} ms`;
}
