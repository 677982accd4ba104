/** Generations as bars over the steps, and above them marks for what happened. */
import type { EventItem } from '../../../shared/src/history/history-item.js';
import type { HistoryView } from '../../../shared/src/history/run-history.js';
import { svgElement } from './dom.js';
import { eventWords } from './event-words.js';
import { counted, formatCount } from './format.js';
import type { Zoom } from './zoom.js';

/** A browser that has to draw more marks than this becomes slow; the list has them all. */
const MOST_MARKS = 400;
const MARKS_Y = 18;
const BARS_Y = 38;
const BAR_HEIGHT = 26;
const AXIS_Y = 76;
/** Pixels that a label of a bar needs. */
const LABEL_WIDTH = 74;

/** Rows of marks by kind, the worst in front. */
const SHAPES: Readonly<Record<string, string>> = {
  fault: 'M-6,-6 L6,6 M6,-6 L-6,6',
  leave: 'M-6,-5 L6,-5 L0,6 Z',
  resume: 'M-5,-6 L6,0 L-5,6 Z',
  checkpoint: 'M-3,-3 L3,-3 L3,3 L-3,3 Z',
  change: 'M0,-6 L6,0 L0,6 L-6,0 Z',
  end: 'M-5,-6 L5,-6 L5,6 L-5,6 Z',
};

/** The timeline; `width` in pixels. */
export function timeline(view: HistoryView, zoom: Zoom, width: number): SVGElement {
  const [from, to] = zoom.within(0, Math.max(view.lastStep, 1));
  const x = (step: number): number => ((step - from) / (to - from)) * width;
  const isShown = ({ step }: EventItem): boolean => step >= from && step <= to;
  const marks = view.events.filter((event) => event.kind !== 'generation' && isShown(event));
  const shown = [
    ...marks.filter(({ kind }) => kind === 'checkpoint'),
    ...marks.filter(({ kind }) => kind !== 'checkpoint'),
  ];
  return svgElement('svg', { class: 'timeline', role: 'img', 'aria-label': labelOf(view) }, [
    ...bars(view, [from, to], x),
    ...shown.slice(-MOST_MARKS).map((event) => mark(event, x(event.step))),
    svgElement('line', { class: 'axis', x1: 0, x2: width, y1: AXIS_Y, y2: AXIS_Y }),
    svgElement('text', { x: 0, y: AXIS_Y + 16 }, [`step ${formatCount(Math.round(from))}`]),
    svgElement('text', { x: width, y: AXIS_Y + 16, 'text-anchor': 'end' }, [formatCount(Math.round(to))]),
  ]);
}

function bars(view: HistoryView, [from, to]: readonly [number, number], x: (step: number) => number): SVGElement[] {
  const generations = view.events.filter((event) => event.kind === 'generation');
  return generations.flatMap((event, index) => {
    const end = generations[index + 1]?.step ?? Math.max(view.lastStep, event.step);
    const [left, right] = [x(Math.max(event.step, from)), x(Math.min(end, to))];
    if (right < left) return [];
    const width = Math.max(right - left, 2);
    const words = `generation ${event.generation}: ${counted(event.members.length, 'worker')}, from step ${event.step}`;
    const rect = svgElement('rect', { class: 'generation', x: left, y: BARS_Y, width, height: BAR_HEIGHT, rx: 3 }, [
      svgElement('title', {}, [words]),
    ]);
    if (width < LABEL_WIDTH) return [rect];
    const label = svgElement('text', { class: 'inside', x: left + 6, y: BARS_Y + 17 }, [
      counted(event.members.length, 'worker'),
    ]);
    return [rect, label];
  });
}

function mark(event: EventItem, x: number): SVGElement {
  const { what, detail } = eventWords(event);
  const isFault = event.kind === 'fault';
  const name = event.kind === 'end' && event.reason === 'failed' ? 'end-failed' : event.kind;
  const path = svgElement('path', {
    d: SHAPES[event.kind] ?? '',
    ...(isFault && { stroke: 'var(--bad)', 'stroke-width': 3 }),
  });
  const title = svgElement('title', {}, [`step ${event.step}: ${what}: ${detail}`]);
  return svgElement('g', { class: name, transform: `translate(${x} ${MARKS_Y})` }, [title, path]);
}

function labelOf({ events, lastStep }: HistoryView): string {
  const count = (kind: EventItem['kind']): number => events.filter((event) => event.kind === kind).length;
  const parts = [counted(count('generation'), 'generation'), counted(count('fault'), 'fault')];
  parts.push(counted(count('checkpoint'), 'checkpoint'), counted(count('resume'), 'resume'));
  return `Timeline of ${formatCount(lastStep)} steps: ${parts.join(', ')}; the table below has each of them`;
}
