/** One row per worker, with the course of its speed since the page was opened. */
import type { HistoryView } from '../../../shared/src/history/run-history.js';
import { element, svgElement, table, type Column } from './dom.js';
import { formatFigure } from './format.js';
import type { RunStatus, WorkerStatus } from './run-status.js';

/** Seconds of a worker's speed that are shown. */
const TREND = 120;
/** So that the course of a few seconds is not stretched. */
const LEAST_TREND = 30;
const MOST_ROWS = 200;

const LIVE_COLUMNS: readonly Column[] = [
  { title: 'rank', look: 'number' },
  { title: 'worker', look: 'short' },
  { title: 'host' },
  { title: 'engine', look: 'short' },
  { title: 'device', look: 'short' },
  { title: 'samples/s', look: 'number' },
  { title: 'speed' },
  { title: 'state', look: 'short' },
  { title: 'note' },
];

/** The latest speeds of workers. */
export class Trends {
  #speeds = new Map<string, number[]>();

  add({ workers }: RunStatus): void {
    this.#speeds = new Map(
      workers.map(({ workerId, samplesPerSecond }) => [
        workerId,
        [...(this.#speeds.get(workerId) ?? []), samplesPerSecond].slice(-TREND),
      ]),
    );
  }

  of(workerId: string): readonly number[] {
    return this.#speeds.get(workerId) ?? [];
  }
}

export interface WorkersShown {
  readonly note: string;
  readonly table: HTMLElement | undefined;
}

/** The workers as the coordinator says; without one, as the ledger does. */
export function workersTable(status: RunStatus | undefined, view: HistoryView, trends: Trends): WorkersShown {
  if (status !== undefined) return liveTable(status, trends);
  const last = view.events.findLast((event) => event.kind === 'generation');
  if (last === undefined) return { note: 'The ledger names no workers.', table: undefined };
  const columns = LIVE_COLUMNS.slice(0, 5);
  const rows = last.members
    .slice(0, MOST_ROWS)
    .map(({ workerId, host, engine, device }, rank) => [String(rank), ...[workerId, host, engine, device]]);
  const note = `The members of generation ${last.generation}, the last one.${more(last.members.length)}`;
  return { note, table: table('Workers', columns, rows) };
}

function liveTable({ workers, detail, phase }: RunStatus, trends: Trends): WorkersShown {
  const rows = workers
    .toSorted((a, b) => order(a) - order(b))
    .slice(0, MOST_ROWS)
    .map((worker) => [
      worker.isMember ? String(worker.rank) : '',
      worker.workerId,
      `${worker.host} (pid ${worker.pid})`,
      worker.engine,
      worker.device,
      formatFigure(worker.samplesPerSecond),
      sparkline(trends.of(worker.workerId)),
      worker.isMember ? worker.state : `${worker.state}, not a member`,
      worker.outlier === '' ? '' : element('span', { class: 'bad' }, [worker.outlier]),
    ]);
  const note = `${phase}: ${detail}.${more(workers.length)}`;
  return { note, table: rows.length === 0 ? undefined : table('Workers', LIVE_COLUMNS, rows) };
}

function order({ isMember, rank }: WorkerStatus): number {
  return isMember ? rank : Number.MAX_SAFE_INTEGER;
}

function more(count: number): string {
  return count > MOST_ROWS ? ` The first ${MOST_ROWS} of ${count} are shown.` : '';
}

/** The figure stands beside it, so a screen reader passes it over. */
function sparkline(speeds: readonly number[]): SVGElement {
  const top = Math.max(...speeds, 1e-9);
  const points = speeds
    .map((speed, place) => `${(place * 100) / (Math.max(speeds.length, LEAST_TREND) - 1)},${20 - (18 * speed) / top}`)
    .join(' ');
  const svg = svgElement('svg', {
    class: 'spark',
    viewBox: '0 0 100 22',
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  svg.append(svgElement('polyline', { points }));
  return svg;
}
