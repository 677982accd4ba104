/** What docs/training.md says in tables and numbers is what the code has; formulas are compared by the other tests. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ARITHMETIC } from '@facet/shared';
import { NO_ADVERSARY, PUBLISHED_ADVERSARIES } from '../packages/multiview/src/config/adversarial-schema.js';
import { OPERATIONS } from '../packages/multiview/src/data/augmentation/rand-augment.js';
import { POSITION_PAIRS } from '../packages/multiview/src/model/auxiliary-losses.js';
import { storedNumbers } from './stored-numbers.js';

const training = readFileSync(new URL('../docs/training.md', import.meta.url), 'utf8');

/** The rows of the table whose header begins with this cell, as cells without code marks; the first one is the header. */
function tableAfter(header: string): string[][] {
  const lines = training.split('\n');
  const start = lines.findIndex((line) => line.replaceAll('`', '').startsWith(`| ${header} `));
  expect(start, `a table that begins with ${header}`).toBeGreaterThanOrEqual(0);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines
    .slice(start, end)
    .filter((line) => !line.startsWith('| --'))
    .map((line) =>
      line
        .replaceAll('`', '')
        .split(' | ')
        .map((cell) => cell.replace(/^\||\|$/g, '').trim()),
    );
}

it('purposes have the numbers of the specification', () => {
  const { keys } = storedNumbers<{ keys: readonly { name: string }[] }>('random');
  const compared = [...new Set(keys.map(({ name }) => name))].map((name, index) => [String(index + 1), name]);
  expect(
    tableAfter('p')
      .slice(1)
      .map(([p, name]) => [p, name]),
  ).toEqual(compared);
});

it('operations of RandAugment are in the order in which they are drawn', () => {
  const names = tableAfter('operation')
    .slice(1)
    .flatMap(([cell]) => {
      const [first, second] = cell!.replace(/ T$/, '').split(', ');
      // `translate-x`, `-y` stands for both.
      return second === undefined ? [first] : [first, second.startsWith('-') ? first!.slice(0, -2) + second : second];
    });
  expect(names).toEqual(OPERATIONS.map(({ name }) => name));
});

it('adversarial training has the defaults of the specification', () => {
  const numberOf = (cell: string): number => {
    const [numerator, denominator = '1'] = cell.split('/');
    return Number(numerator) / Number(denominator);
  };
  for (const [key, , ...cells] of tableAfter('key of adversarial').slice(1)) {
    const configs = [NO_ADVERSARY, PUBLISHED_ADVERSARIES.mnist, PUBLISHED_ADVERSARIES.cifar10];
    const expected = configs.map((config) => config[key as keyof typeof config]);
    expect(key === 'norm' ? cells : cells.map(numberOf), key).toEqual(expected);
  }
});

it('the version of the arithmetic and the number of pairs are those of the code', () => {
  const text = training.replaceAll('\n', ' ');
  expect(text).toContain(`this page describes \`arithmetic: ${ARITHMETIC}\``);
  expect(text).toContain(`Auxiliary losses take ${POSITION_PAIRS} pairs of tokens`);
});
