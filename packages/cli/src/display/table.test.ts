import { expect, test } from 'vitest';
import { tableBlocks, tableLines, wrapText } from './table.js';

const table = {
  header: ['name', 'ms', 'detail'],
  rows: [
    ['first', '1.5', 'short'],
    ['b', '12.5', 'a detail that is longer than the room for it'],
  ],
  right: [1],
};

test('columns are as wide as their widest cell, numbers stand to the right', () => {
  expect(tableLines(table)).toEqual([
    'name     ms  detail',
    'first   1.5  short',
    'b      12.5  a detail that is longer than the room for it',
  ]);
});

test('the last column is wrapped to the width of a terminal, each row a block of its own', () => {
  expect(tableBlocks({ ...table, columns: 36 })).toEqual([
    ['name     ms  detail'],
    ['first   1.5  short'],
    ['b      12.5  a detail that is longer', '             than the room for it'],
  ]);
});

test('a narrow terminal wraps the last column no narrower than it can be read', () => {
  const lines = tableLines({ ...table, columns: 10 });
  expect(lines.slice(2)).toEqual([
    'b      12.5  a detail that is',
    '             longer than the room',
    '             for it',
  ]);
});

test('text breaks between words, and a long word stays whole', () => {
  expect(wrapText('to /a/path/that/is/long and back', 10)).toEqual(['to', '/a/path/that/is/long', 'and back']);
  expect(wrapText('', 10)).toEqual(['']);
});
