/**
 * The results of the engine probes as a table and as advice. An engine without its hardware or package is absent, which is no
 * fault. An engine that is present and crashes, hangs or computes wrong gradients has failed.
 */
import type { EngineProbe } from '@facet/engine';
import { visibleLine } from '@facet/shared';
import type { Palette } from '../display/palette.js';
import { tableBlocks, wrapText } from '../display/table.js';
import { TIMED_PROGRAM_TEXT, type AutoChoice } from './engine-probes.js';

type EngineState = 'ok' | 'absent' | 'failed';

export interface EngineReport {
  readonly probes: readonly EngineProbe[];
  /** Absent when not every engine was probed. */
  readonly auto?: AutoChoice;
}

export interface ReportStyle {
  readonly palette: Palette;
  /** Undefined where lines may be as long as they are. */
  readonly columns: number | undefined;
}

/** True when training works here. */
export function isHealthy({ probes, auto }: EngineReport): boolean {
  return auto === undefined ? probes.some(({ ok }) => ok) : auto.ok;
}

export function engineState({ ok, code }: EngineProbe): EngineState {
  if (ok) return 'ok';
  return code === 'ENGINE_UNAVAILABLE' ? 'absent' : 'failed';
}

/** The table, what its numbers are, and what `auto` would take. */
export function engineLines({ probes, auto }: EngineReport, { palette, columns }: ReportStyle): string[] {
  const [head = [], ...rows] = tableBlocks({
    header: ['engine', 'device', 'state', 'time', 'error', 'detail'],
    right: [3, 4],
    rows: probes.map((probe) => [
      probe.name,
      probe.device,
      engineState(probe),
      probe.milliseconds === undefined ? '-' : `${probe.milliseconds.toFixed(1)} ms`,
      shownError(probe.maxRelativeError),
      shownDetail(probe),
    ]),
    columns,
  });
  const coloured = rows.map((block, index) => {
    const probe = probes[index];
    const isFailed = probe !== undefined && engineState(probe) === 'failed';
    return isFailed ? block.map((line) => palette.bad(line)) : block;
  });
  const note = `time: ${TIMED_PROGRAM_TEXT}; error: the largest relative one of loss and gradients against the reference`;
  const wrap = (text: string): string[] => (columns === undefined ? [text] : wrapText(text, columns));
  return [
    ...head.map((line) => palette.faint(line)),
    ...coloured.flat(),
    ...wrap(note).map((line) => palette.faint(line)),
    ...(auto === undefined ? [] : wrap(visibleLine(autoText(auto)))),
  ];
}

/** What to do about engines that should work and do not. */
export function engineRemedies({ probes, auto }: EngineReport): string[] {
  const broken = probes.filter((probe) => engineState(probe) === 'failed');
  const advice = broken.map(
    ({ name, device }) =>
      `${name} on ${device}: update its package or its driver; until then do not ask for it by name`,
  );
  return auto?.ok === false ? ['no engine works: run `npm install` again', ...advice] : advice;
}

function autoText(auto: AutoChoice): string {
  if (!auto.ok) return `auto finds no engine here: ${auto.reason}`;
  return `auto takes ${auto.engine.name}/${auto.engine.device} here: ${auto.reason}`;
}

/** `9.5e-7`; the reference itself is off by 0. */
function shownError(error: number | undefined): string {
  if (error === undefined) return '-';
  return error === 0 ? '0' : error.toExponential(1);
}

/** One line, without the advice to run this very command. */
function shownDetail({ detail }: EngineProbe): string {
  return (detail.split('\n')[0] ?? '').replace(/[.;] `facet doctor` says .*$/, '');
}
