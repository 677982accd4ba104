import { expect, test } from 'vitest';
import { findLicenceFaults } from './licences.mjs';

const faults = (entry, name = 'one') => findLicenceFaults({ packages: { '': {}, [`node_modules/${name}`]: entry } });

test('accepts licences that ask for no more than a notice, alone, together, or as one of two', () => {
  for (const license of ['MIT', 'Apache-2.0 AND MIT', '(MIT OR CC0-1.0)', 'GPL-3.0-only OR ISC']) {
    expect(faults({ license })).toEqual([]);
  }
});

test('names what has another one, or none', () => {
  expect(faults({ license: 'GPL-3.0-only' })).toEqual([
    'node_modules/one has the licence GPL-3.0-only, expected one that scripts/lib/licences.mjs allows',
  ]);
  expect(faults({ license: 'MIT AND GPL-3.0-only' })).toHaveLength(1);
  expect(faults({})).toHaveLength(1);
});

test('leaves tools and our own packages alone', () => {
  expect(faults({ license: 'GPL-3.0-only', dev: true })).toEqual([]);
  expect(faults({ link: true })).toEqual([]);
});

test('knows libvips, and accepts its licence of nobody else', () => {
  expect(faults({ license: 'Apache-2.0 AND LGPL-3.0-or-later' }, '@img/sharp-win32-x64')).toEqual([]);
  expect(faults({ license: 'LGPL-3.0-or-later' })).toHaveLength(1);
});
