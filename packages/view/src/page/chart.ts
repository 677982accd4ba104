/** One chart: uPlot draws it on a canvas; around it stand its legend, a summary in words, and its values as a table. */
import UPlot from 'uplot';
import { element, setText, svgElement, table } from './dom.js';
import { formatCount, formatFigure, formatPercent } from './format.js';
import { inWords, joined, summaryOf, type ChartData, type Curve } from './series.js';
import { colour } from './theme.js';
import type { Zoom } from './zoom.js';

const TABLE_ROWS = 40;
const FONT = '12px system-ui, sans-serif';

export class Chart {
  readonly element: HTMLElement;
  readonly #plot = element('div', { class: 'plot', role: 'img' });
  readonly #title = element('h3');
  readonly #caption = element('figcaption');
  readonly #legend = element('ul', { class: 'legend' });
  readonly #details = element('details', {}, [element('summary', {}, ['Values as a table'])]);
  readonly #table = element('div', { class: 'scroll', tabindex: 0, role: 'region' });
  readonly #zoom: Zoom;
  readonly #hidden = new Set<string>();
  #drawn: UPlot | undefined;
  #shape = '';
  #data: ChartData | undefined;
  #values: HTMLElement[] = [];

  constructor(key: string, zoom: Zoom) {
    this.#zoom = zoom;
    this.element = element('figure', { class: 'chart', id: `chart-${key}` }, [
      this.#title,
      this.#legend,
      this.#plot,
      this.#caption,
      this.#details,
    ]);
    this.#details.append(this.#table);
    this.#details.addEventListener('toggle', () => {
      this.#fillTable();
    });
    new ResizeObserver(() => {
      this.#drawn?.setSize(this.#size());
    }).observe(this.#plot);
    zoom.onChange(() => {
      this.#redraw();
    });
  }

  /** Shows these curves. */
  show(data: ChartData, isLog: boolean): void {
    this.#data = data;
    const shape = JSON.stringify([
      data.curves.map(({ label, look, colour: number }) => [label, look, number]),
      ...[data.bands, isLog && data.canBeLog, colour('ink')],
    ]);
    if (shape !== this.#shape) this.#build(data, isLog && data.canBeLog);
    this.#shape = shape;
    this.#drawn?.setData(joined(data.curves));
    setText(this.#title, data.title);
    const summary = summaryOf(data, (value) => format(data.unit, value));
    setText(this.#caption, summary);
    this.#plot.setAttribute('aria-label', `${data.title}: ${summary}`);
    this.#table.setAttribute('aria-label', `${data.title}: values`);
    this.#fillTable();
  }

  remove(): void {
    this.#drawn?.destroy();
    this.element.remove();
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(this.#plot.clientWidth, 100), height: Math.max(this.#plot.clientHeight, 100) };
  }

  #redraw(): void {
    if (this.#data !== undefined) this.#drawn?.setData(joined(this.#data.curves));
  }

  #build(data: ChartData, isLog: boolean): void {
    this.#drawn?.destroy();
    this.#fillLegend(data);
    const { unit } = data;
    const isArea = data.curves.some(({ look }) => look === 'area');
    const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
    this.#drawn = new UPlot(
      {
        ...this.#size(),
        legend: { show: false },
        padding: [8, 12, 0, 0],
        cursor: {
          sync: { key: 'steps' },
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
          bind: {
            dblclick: () => () => {
              this.#zoom.set(undefined);
              return null;
            },
          },
        },
        scales: {
          x: { time: false, range: (_plot, min, max) => this.#zoom.within(min, max) },
          y: isLog ? { distr: 3 } : isArea ? { range: (_plot, _min, max) => [0, max * 1.05 || 1] } : {},
        },
        axes: [
          {
            ...axis,
            font: FONT,
            size: 30,
            values: (_plot, steps) => steps.map((step) => (Number.isInteger(step) ? formatCount(step) : '')),
          },
          {
            ...axis,
            font: FONT,
            size: 62,
            values: (_plot, marks) => marks.map((mark) => (mark === null ? '' : axisLabel(unit, mark))),
          },
        ],
        series: [{}, ...data.curves.map((curve) => this.#series(curve, isLog))],
        bands: data.bands.map(([upper, lower]) => ({ series: [upper + 1, lower + 1], fill: colour('band') })),
        hooks: {
          setSelect: [
            (plot) => {
              const { left, width } = plot.select;
              if (width < 4) return;
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              this.#zoom.set([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
            },
          ],
          setLegend: [
            (plot) => {
              this.#showValues(plot);
            },
          ],
        },
      },
      joined(data.curves),
      this.#plot,
    );
  }

  #series({ label, look, colour: number }: Curve, isLog: boolean): UPlot.Series {
    const stroke = colour(`series-${number}`);
    const common: UPlot.Series = {
      ...{ label, stroke, width: 2, spanGaps: true, points: { show: false }, show: !this.#hidden.has(label) },
      // A logarithm of 0 is nowhere.
      ...(isLog && { scale: 'y' }),
    };
    switch (look) {
      case 'line':
        return common;
      case 'faint':
        return { ...common, width: 1, alpha: 0.35 };
      case 'edge':
        return { ...common, width: 0, stroke: 'transparent' };
      case 'dashed':
        return { ...common, width: 1.5, dash: [6, 4] };
      case 'points':
        return { ...common, width: 1, points: { show: true, size: 6, fill: colour('page'), stroke, width: 2 } };
      case 'area':
        return { ...common, width: 1, fill: stroke };
      default:
        return look satisfies never;
    }
  }

  /** Every curve has a button that hides it. */
  #fillLegend(data: ChartData): void {
    this.#values = [];
    const entries = data.curves.map((curve, place) => {
      const value = element('span', { class: 'value' });
      this.#values.push(value);
      if (curve.look === 'edge') return undefined;
      const { label } = curve;
      const button = element('button', { type: 'button', 'aria-pressed': String(!this.#hidden.has(label)) }, [
        swatch(curve),
        label,
        value,
      ]);
      button.addEventListener('click', () => {
        const isHidden = !this.#hidden.has(label);
        if (isHidden) this.#hidden.add(label);
        else this.#hidden.delete(label);
        button.setAttribute('aria-pressed', String(!isHidden));
        this.#drawn?.setSeries(place + 1, { show: !isHidden });
      });
      return element('li', {}, [button]);
    });
    this.#legend.replaceChildren(...entries.filter((entry) => entry !== undefined));
  }

  /** Of the step under the pointer. */
  #showValues(plot: UPlot): void {
    const place = plot.cursor.idx;
    this.#values.forEach((target, index) => {
      const curve = this.#data?.curves[index];
      const value =
        place === null || place === undefined
          ? undefined
          : curve?.own === undefined
            ? plot.data[index + 1]?.[place]
            : curve.own[curve.steps.indexOf(plot.data[0][place] ?? -1)];
      setText(target, value === null || value === undefined ? '' : format(this.#data?.unit ?? 'figure', value));
    });
  }

  #fillTable(): void {
    if (!this.#details.open || this.#data === undefined) return;
    const { curves, unit, title } = this.#data;
    const shown = curves.filter(({ look }) => look !== 'edge');
    const [steps, ...columns] = joined(inWords(shown));
    const every = Math.ceil(steps.length / TABLE_ROWS);
    // Evaluations are few, so none of them is left out.
    const isEvaluated = (place: number): boolean =>
      shown.some(({ look }, column) => look === 'points' && typeof columns[column]?.[place] === 'number');
    const places = steps.map((_, place) => place).filter((place) => place % every === 0 || isEvaluated(place));
    const rows = places.map((place) => [
      formatCount(steps[place]!),
      ...columns.map((column) => {
        const value = column[place];
        return value === null || value === undefined ? '' : format(unit, value);
      }),
    ]);
    const heads = ['step', ...shown.map(({ label }) => label)].map((name) => ({
      title: name,
      look: 'number' as const,
    }));
    this.#table.replaceChildren(table(title, heads, rows));
  }
}

function swatch({ colour: number, look }: Curve): SVGElement {
  const mark =
    look === 'points'
      ? svgElement('circle', { cx: 6, cy: 6, r: 4, fill: 'none', stroke: 'currentColor', 'stroke-width': 2 })
      : svgElement('rect', {
          y: look === 'area' ? 0 : 4,
          width: 12,
          height: look === 'area' ? 12 : 4,
          fill: 'currentColor',
        });
  if (look === 'faint') mark.setAttribute('opacity', '0.4');
  return svgElement('svg', { viewBox: '0 0 12 12', class: `series-${number}`, 'aria-hidden': 'true' }, [mark]);
}

function format(unit: ChartData['unit'], value: number): string {
  if (unit === 'percent') return formatPercent(value);
  return unit === 'ms' ? `${formatFigure(value)} ms` : formatFigure(value);
}

function axisLabel(unit: ChartData['unit'], value: number): string {
  return unit === 'percent' ? `${Number((100 * value).toFixed(2))} %` : formatFigure(value);
}
