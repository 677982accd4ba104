import { describe, expect, it } from 'vitest';
import { plotLines, sparkline } from './plot.js';

const line = (ys: readonly number[]): { readonly points: readonly { x: number; y: number }[] } => ({
  points: ys.map((y, x) => ({ x, y })),
});

describe('a plot', () => {
  it('puts the greatest on top and the least below, and connects points that are apart', () => {
    const lines = plotLines({ series: [line([0, 4])], columns: 20, rows: 5, formatY: String });
    expect(lines).toEqual([
      '4 │              aaa',
      '3 │          aaaa',
      '2 │      aaaa',
      '1 │  aaaa',
      '0 │aa',
      `  └${'─'.repeat(17)}`,
      `   0${' '.repeat(15)}1`,
    ]);
  });

  it('tells series apart by letters, the later one over the earlier', () => {
    const [top, bottom] = plotLines({ series: [line([0, 1]), line([0, 0])], columns: 20, rows: 2 });
    expect(top).toMatch(/a$/);
    expect(bottom).toMatch(/│b+$/);
  });

  it('is as wide as it was asked to be, at most', () => {
    for (const columns of [20, 33, 80]) {
      const lines = plotLines({ series: [line([1e-9, 123_456.789, -4])], columns, rows: 6 });
      for (const text of lines) expect(text.length).toBeLessThanOrEqual(columns);
    }
  });

  it('leaves out what is no number, and is nothing where nothing is left', () => {
    const lines = plotLines({ series: [line([Number.NaN, 1, Number.POSITIVE_INFINITY])], columns: 20, rows: 2 });
    expect(lines.join('\n').match(/a/g)).toHaveLength(1);
    expect(plotLines({ series: [line([Number.NaN])], columns: 20, rows: 2 })).toEqual([]);
  });
});

describe('a sparkline', () => {
  it('goes from the least to the greatest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([7, 0], 8)).toBe('█▁');
  });

  it('takes means where there are more values than cells, and is flat where nothing changes', () => {
    expect(sparkline([0, 0, 10, 10, 5, 5], 3)).toBe('▁█▅');
    expect(sparkline([2, 2, 2], 3)).toBe('▁▁▁');
    expect(sparkline([], 3)).toBe('');
    expect(sparkline([Number.NaN], 3)).toBe('');
  });
});
