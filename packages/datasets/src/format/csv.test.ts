import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader, type CsvFault, type CsvRow } from './csv.js';

function readAll(pieces: readonly string[], separator = ','): CsvRow[] | CsvFault {
  const reader = new CsvReader(separator);
  const rows: CsvRow[] = [];
  for (const found of [...pieces.map((piece) => () => reader.push(piece)), () => reader.end()].map((read) => read())) {
    if ('problem' in found) return found;
    rows.push(...found);
  }
  return rows;
}

const cellsOf = (text: string, separator?: string): unknown => {
  const found = readAll([text], separator);
  return 'problem' in found ? found : found.map(({ cells }) => cells);
};

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('a table', () => {
  it.each<[string, string, string[][]]>([
    [
      'plain cells',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'no line end at the end',
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['line ends of Windows and of old Macs', 'a\r\nb\rc\n', [['a'], ['b'], ['c']]],
    [
      'empty cells and lines',
      ',\n\n\r\n,,x\n',
      [
        ['', ''],
        ['', '', 'x'],
      ],
    ],
    ['quotes', '"a ""b""","c,d","e\nf"\n', [['a "b"', 'c,d', 'e\nf']]],
    ['an empty quoted cell alone', '""\n', [['']]],
    ['spaces, which belong to the cell', ' a , b\n', [[' a ', ' b']]],
    ['nothing', '', []],
  ])('may have %s', (_, text, expected) => {
    expect(cellsOf(text)).toEqual(expected);
  });

  it('may have another separator', () => {
    expect(cellsOf('1,5;2\n', ';')).toEqual([['1,5', '2']]);
    expect(cellsOf('a\tb\n', '\t')).toEqual([['a', 'b']]);
  });

  it('says on which line a row begins', () => {
    const rows = readAll(['a\r\n\r\n"x\r\ny"\r\nz\n']) as CsvRow[];
    expect(rows.map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  it.each<[string, string, CsvFault]>([
    ['an open quote', 'a\n"b\nc', { line: 2, problem: 'has a quoted cell that does not end' }],
    ['text after a quote', 'a\n"b"c,d', { line: 2, problem: "has 'c' after a quoted cell, expected ','" }],
    ['a quote in a cell', 'ab"c"\n', { line: 1, problem: "has a quote inside the cell 'ab'" }],
  ])('is refused with %s', (_, text, fault) => {
    expect(cellsOf(text)).toEqual(fault);
  });

  it('comes back as it was written, wherever the pieces are cut', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', 'é', '🙂', ' '), maxLength: 6 });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(40)), (rows, lineEnd, cuts) => {
        const text = rows.map((cells) => cells.map(quoted).join(',') + lineEnd).join('');
        const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
        expect((readAll(pieces) as CsvRow[]).map(({ cells }) => cells)).toEqual(rows);
      }),
    );
  });
});
