/** What every page can be relied on for: nothing is loaded, nothing breaks out of its place, every chart can be read aloud. */
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { barChart } from './bar-chart.js';
import { dataTable } from './data-table.js';
import { forestPlot } from './forest-plot.js';
import { heatMap } from './heat-map.js';
import { html } from './html.js';
import { imageGrid } from './image-grid.js';
import { keyFigures } from './key-figures.js';
import { lineChart } from './line-chart.js';
import { pageHtml } from './page.js';
import { pngUri } from './png-uri.js';

const HOSTILE = `<script>alert("1")</script>' & co`;
const ESCAPED = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39; &amp; co';

/** A page that uses every part of the kit, with one text everywhere. */
function wholePage(text: string): string {
  return pageHtml({
    title: text,
    lead: text,
    sections: [
      {
        title: text,
        intro: text,
        content: [
          keyFigures([{ label: text, value: text, note: text }]),
          dataTable({ caption: text, header: [text, text], rows: [[text, html`<b>${text}</b>`]], numbers: [1] }),
          heatMap({
            caption: text,
            corner: text,
            rows: [text],
            columns: [text],
            cells: [[{ text, share: 2, tone: 'warm' }]],
          }),
          imageGrid({ images: [{ source: 'data:,', alt: text, caption: [text, text] }], width: 84 }),
        ],
      },
      {
        title: text,
        content: [
          barChart({ description: text, axis: { label: text }, bars: [{ name: text, value: 1, text }], tone: 'test' }),
          forestPlot({
            description: text,
            axis: { label: text },
            rows: [{ name: text, estimate: 1, low: 0.5, high: 2, text }],
          }),
          lineChart({
            description: text,
            caption: text,
            x: { label: text },
            y: { label: text, kind: 'percent' },
            series: [1, 2].map((y) => ({ name: text, points: [{ x: 0, y, low: 0, high: 3 }] })),
          }),
        ],
      },
    ],
  });
}

describe('a page', () => {
  it('shows text as text wherever it stands', () => {
    const page = wholePage(HOSTILE);
    expect(page).not.toContain('<script');
    expect(page).not.toContain('alert("1")');
    expect(page.split(ESCAPED).length).toBe(wholePage('@@@').split('@@@').length);
  });

  it('loads nothing and runs nothing', () => {
    const page = wholePage('text');
    expect(page).not.toMatch(/https?:|url\(|@import|<script|<link|srcset/);
    expect(page).toContain('content="default-src &#39;none&#39;;');
    expect([...page.matchAll(/src="([^"]*)"/g)].map(([, source]) => source)).toEqual(['data:,']);
  });

  it('closes every element that it opens', () => {
    const open: string[] = [];
    for (const [, isEnd, name, isEmpty] of wholePage('text').matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
      if (isEmpty === '/') continue;
      if (isEnd === '/') expect(open.pop()).toBe(name);
      else open.push(name!);
    }
    expect(open).toEqual([]);
  });

  it('describes every chart and picture, and names what every table header is of', () => {
    const page = wholePage('text');
    for (const [tag] of page.matchAll(/<svg[^>]*>/g)) expect(tag).toMatch(/role="img" aria-label="text"|aria-hidden/);
    for (const [tag] of page.matchAll(/<img[^>]*>/g)) expect(tag).toContain('alt="text"');
    const headers = [...page.matchAll(/<th[ >][^>]*>/g)].map(([tag]) => tag);
    expect(headers.filter((tag) => !/scope="(row|col)"/.test(tag))).toEqual([]);
  });
});

describe('a chart', () => {
  const curve = (points: readonly { x: number; y: number }[]): string =>
    lineChart({ description: 'd', x: { label: 'x' }, y: { label: 'y' }, series: [{ name: 's', points }] }).markup;

  it('has round ticks that cover its values', () => {
    const [wide] = curve([0, 97].map((x) => ({ x, y: x / 1000 }))).split('class="narrow"') as [string];
    const ticks = [...wide.matchAll(/<text class="tick"[^>]*>([^<]*)</g)];
    expect(ticks.map(([, text]) => text)).toEqual(
      ['0', '20', '40', '60', '80', '100'].concat(['0.00', '0.02', '0.04', '0.06', '0.08', '0.10']),
    );
  });

  it('leaves a gap where a value is no number, and draws nothing for no values at all', () => {
    const path = (markup: string): string => /class="curve"[^>]* d="([^"]*)"/.exec(markup)![1]!;
    const gap = path(curve([1, 2, Number.NaN, 4, 5].map((y, x) => ({ x, y }))));
    expect(gap.split('M')).toHaveLength(3);
    expect(gap).not.toContain('NaN');
    expect(path(curve([]))).toBe('');
  });

  it('writes percentages the way the command does', () => {
    const bars = [{ name: 'a', value: 0.5, text: '50.00 %' }];
    const { markup } = barChart({
      description: 'd',
      axis: { label: 'x', kind: 'percent', domain: [0, 1] },
      bars,
      tone: 'test',
    });
    expect(markup).toContain('>100&nbsp;%<');
  });

  it('has ticks at whole numbers only where it counts', () => {
    for (const end of [1, 2, 3, 7, 40]) {
      const points = [0, end].map((x) => ({ x, y: x }));
      const chart = { description: 'd', x: { label: 'epoch', kind: 'whole' as const }, y: { label: 'y' } };
      const { markup } = lineChart({ ...chart, series: [{ name: 's', points }] });
      const across = [...markup.matchAll(/text-anchor="middle">([^<]*)</g)].map(([, text]) => text!);
      expect(across.filter((text) => text !== 'epoch' && !/^\d+$/.test(text))).toEqual([]);
      expect(across.filter((text) => text === '1').length).toBe(end <= 3 ? 2 : across.filter((t) => t === '1').length);
    }
  });

  it('keeps bars, whiskers and marks inside of both drawings', () => {
    const rows = [
      { name: 'a long name of an arm', estimate: -0.2, low: -0.5, high: 0.1, text: '-0.20 [-0.50, +0.10]' },
    ];
    const { markup } = forestPlot({ description: 'd', axis: { label: 'x' }, rows });
    const drawings = markup.split('<svg').slice(1);
    expect(drawings).toHaveLength(2);
    for (const drawing of drawings) {
      const width = Number(/viewBox="0 0 (\d+)/.exec(drawing)![1]);
      const places = [...drawing.matchAll(/ (?:x1|x2|cx)="([^"]*)"/g)].map(([, x]) => Number(x));
      expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...places)).toBeLessThanOrEqual(width);
      expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(width / 3);
    }
  });
});

it('a picture comes back from its data URI pixel by pixel', () => {
  const rgb = Uint8Array.from({ length: 3 * 6 }, (_, i) => 14 * i);
  const uri = pngUri({ width: 3, height: 2, rgb });
  const { width, height, data } = PNG.sync.read(Buffer.from(uri.replace('data:image/png;base64,', ''), 'base64'));
  expect([width, height]).toEqual([3, 2]);
  expect([...data].filter((_, i) => i % 4 !== 3)).toEqual([...rgb]);
});
